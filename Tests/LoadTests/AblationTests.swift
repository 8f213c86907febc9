import Contracts
import FoundationEssentials
import HTTP
import Reactor
import Testing

@testable import Load

@Suite struct `What each guard prevents` {
    private static let verified = """
        {"holds": false, "invariants": [
          {"name": "at most one capture per order", "holds": false,
           "figures": "1 charged twice here, 3 at the provider"},
          {"name": "deliveries = available + held", "holds": false,
           "figures": "900 = 800 + 98, 2 of 40 products off"},
          {"name": "stock is held for confirmed orders only", "holds": false,
           "figures": "90 held, 4 confirmed without stock, 0 held in vain"},
          {"name": "each ended order has one outcome event", "holds": false,
           "figures": "97 ended, 0 silent, 5 with several, 6 with a wrong one"},
          {"name": "each event took effect once", "holds": false,
           "figures": "97 events, 7 not told, 0 told twice, 0 told of nothing"},
          {"name": "seen: an acknowledged order exists", "holds": false,
           "figures": "8 of 97 orders off, such as 0190"},
          {"name": "every saga ended", "holds": true, "figures": "0 sagas, 0 orders"}
        ]}
        """

    private func row(
        _ missing: Guard...,
        goodput: Double = 20,
        p99: Duration = .seconds(2),
        unserved: Double = 0.02,
        charges: Double = 1.2,
        findings: [Invariant] = []
    ) -> AblationRow {
        AblationRow(
            missing: missing,
            goodput: goodput,
            p99: p99,
            unserved: unserved,
            charges: charges,
            findings: findings
        )
    }

    @Test func `the oracle's figures are read by the words behind them`() throws {
        let row = row(findings: try Invariant.all(in: Self.verified))
        #expect(row.chargedTwice == 3 && row.oversold == 6 && row.contradictions == 11)
        #expect(row.eventsLost == 7 && row.ordersLost == 8 && row.broken.count == 6)
        let clean = self.row()
        #expect(clean.chargedTwice == 0 && clean.oversold == 0 && clean.ordersLost == 0)
    }

    @Test func `what is no judgement is told as it is`() {
        let error = #expect(throws: Shop.Failed.self) { try Invariant.all(in: "stack: no stack") }
        #expect(error?.description.contains("stack: no stack") == true)
    }

    @Test func `a number is found before all of its words, and only there`() {
        let finding = Invariant(name: "x", holds: false, figures: "1 not here, 23 not told, 4 told")
        #expect(finding.number(before: "not told") == 23)
        #expect(finding.number(before: "told") == 4)
        #expect(finding.number(before: "not here") == 1)
        #expect(finding.number(before: "gone") == 0 && finding.number(before: "1 not") == 0)
    }

    @Test func `a promise that breaks without a guard is its effect`() throws {
        let broken = Invariant(name: "one capture", holds: false, figures: "2 twice")
        let report = AblationReport(
            whole: [row(), row()],
            ablated: [row(.idempotency, findings: [broken])]
        )
        #expect(report.holds)
        #expect(report.effects == "without idempotency: one capture: 2 twice")
        // What is broken anyway says nothing about the guard.
        let sick = AblationReport(
            whole: [row(), row(findings: [broken])],
            ablated: [row(.idempotency, findings: [broken])]
        )
        #expect(!sick.holds && sick.effects.contains("nothing visible"))
    }

    @Test func `figures count when they are off by more than a busy machine explains`() {
        func effects(_ row: AblationRow) -> [String] {
            AblationReport(
                whole: [self.row(), self.row(goodput: 22, p99: .seconds(1), charges: 1)],
                ablated: []
            ).effects(of: row)
        }
        #expect(effects(row(.retries, goodput: 17.1, p99: .seconds(3), charges: 1.5)).isEmpty)
        #expect(effects(row(.retries, goodput: 16)) == ["goodput a second 20.0 → 16.0"])
        #expect(effects(row(.retries, p99: .seconds(4))) == ["p99 in ms 2000.0 → 4000.0"])
        #expect(effects(row(.retries, unserved: 0.04)).isEmpty)
        #expect(effects(row(.retries, unserved: 0.06)) == ["unserved at first 2.0% → 6.0%"])
        #expect(
            effects(row(.retries, charges: 1.6)) == [
                "charges asked for each checkout ×1.2 → ×1.6"
            ]
        )
    }

    @Test func `a run in which nothing ever breaks proves nothing, and says so`() {
        let report = AblationReport(whole: [row(), row()], ablated: [row(.breaker), row(.feed)])
        #expect(!report.holds)
        #expect(report.effects.split(separator: "\n").count == 2)
        #expect(report.effects.contains("without feed: nothing visible in this run"))
    }

    @Test func `who keeps no promise is needed all the same where figures show it`() {
        func holds(_ ablated: AblationRow...) -> Bool {
            AblationReport(whole: [row(), row()], ablated: ablated).holds
        }
        #expect(holds(row(.retries), row(.breaker, .retryBudget, charges: 4)))
        #expect(!holds(row(.retries), row(.breaker)))
        // Worse figures are not what keys and fences are for.
        #expect(!holds(row(.breaker, charges: 4), row(.idempotency, p99: .seconds(9))))
        let broken = Invariant(name: "one capture", holds: false, figures: "2 twice")
        #expect(holds(row(.breaker), row(.fencing, findings: [broken])))
        let sick = AblationReport(
            whole: [row(findings: [broken]), row()],
            ablated: [row(.breaker, charges: 4)]
        )
        #expect(!sick.holds)
    }

    @Test func `the table has a column for each harm, as wide as its widest cell`() {
        let report = AblationReport(
            whole: [row(), row()],
            ablated: [row(.retryBudget, goodput: 100)]
        )
        let lines = report.table.split(separator: "\n")
        #expect(lines.count == 4 && Set(lines.map(\.count)).count == 1)
        #expect(lines[1].hasPrefix("(nothing)   ") && lines[2].hasPrefix("retry-budget  "))
        #expect(lines[3] == lines[1])
    }

    private static let members =
        ["order", "product", "payment"].flatMap { service in
            [1, 2].map { Member(service: service, name: "\(service).\($0)") }
        } + [
            Member(service: "provider", name: "provider.1"), Member(service: "postgres", name: "p"),
        ]

    @Test func `the same seed brings the same troubles, whichever stack it is`() {
        let plan = AblationPlan(seed: 7, members: Self.members).troubles
        #expect(plan == AblationPlan(seed: 7, members: Self.members).troubles)
        #expect(
            (1...20).contains { plan != AblationPlan(seed: $0, members: Self.members).troubles }
        )
    }

    @Test(arguments: 1...20)
    func `both order processes are paused past a lease, one at a time, and all ends in time`(
        seed: UInt64
    ) {
        let plan = AblationPlan(seed: seed, members: Self.members).troubles
        let pauses = plan.filter { $0.kind == .pause }
        #expect(Set(pauses.map(\.target.name)) == ["order.1", "order.2"])
        #expect(pauses.allSatisfy { $0.lasts > 8 })
        let orders = plan.filter { $0.target.service == "order" }
        #expect(zip(orders, orders.dropFirst()).allSatisfy { $0.at + $0.lasts <= $1.at })
        #expect(plan.allSatisfy { $0.at + $0.lasts < Double(AblationPlan.seconds) })
        // A process that is killed forgets its faults.
        for kill in plan.filter({ $0.kind == .kill }) {
            let others = plan.filter { $0.target == kill.target && $0 != kill }
            #expect(others.allSatisfy { $0.at + $0.lasts <= kill.at })
        }
    }
}

@Suite struct `Where nothing can be had for sure` {
    private func tally(_ milliseconds: Int) -> Tally {
        var tally = Tally()
        for _ in 0..<100 { tally.record("200", .milliseconds(milliseconds)) }
        return tally
    }

    private func verdict(
        checkouts: [String: Int] = ["202": 9, "503": 1],
        looks: [String: Int] = ["200": 95, "504": 5],
        known: PartitionVerdict.Probe? = nil,
        search: String = "503",
        cached: Int = 20
    ) -> PartitionVerdict {
        let stale = PartitionVerdict.Probe(
            what: "known",
            outcome: "200",
            age: "12",
            cacheStatus: "anyway; hit; ttl=-10; detail=stale-if-error"
        )
        return PartitionVerdict(
            whole: [.checkout: tally(50), .browse: tally(cached)],
            checkouts: checkouts,
            looks: looks,
            probes: [
                known ?? stale, .init(what: "new", outcome: search, age: nil, cacheStatus: nil),
            ]
        )
    }

    @Test func `orders refuse, the catalog answers with what it had`() {
        let verdict = verdict()
        #expect(verdict.isAsExpected && verdict.available == 0.95)
        #expect(verdict.text.contains("known: 200; Age: 12; Cache-Status: anyway; hit"))
        #expect(verdict.text.contains("checkouts: 202 ×9, 503 ×1"))
    }

    @Test func `one confirmed order is too many`() {
        #expect(!verdict(checkouts: ["201": 1, "202": 99]).isAsExpected)
        #expect(!verdict(checkouts: [:]).isAsExpected)
        #expect(!verdict(checkouts: ["500": 1, "202": 99]).isAsExpected)
    }

    @Test
    func `a catalog that is away, fresh, or knows what nobody asked is not what was expected`() {
        #expect(!verdict(looks: ["200": 94, "504": 6]).isAsExpected)
        #expect(!verdict(search: "200").isAsExpected)
        let fresh = PartitionVerdict.Probe(
            what: "known",
            outcome: "200",
            age: "1",
            cacheStatus: "anyway; hit; ttl=1"
        )
        #expect(!verdict(known: fresh).isAsExpected)
    }

    @Test func `an old answer must be had sooner than a consistent one`() {
        #expect(verdict(cached: 24).isAsExpected && !verdict(cached: 30).isAsExpected)
    }
}

@Suite struct `Which came first` {
    private func order(_ id: String, _ created: Int, _ updated: Int) -> ClockEvidence.Document {
        .init(
            id: id,
            createdAt: .init(timeIntervalSince1970: Double(created)),
            updatedAt: .init(timeIntervalSince1970: Double(updated))
        )
    }

    private var skewed: ClockEvidence {
        var evidence = ClockEvidence()
        evidence.placed = [order("a", 40, 40), order("b", 1, 1), order("c", 41, 41)]
        evidence.cancelled = [order("a", 40, 2)]
        evidence.told = ["x", "a", "b", "c"]
        evidence.tokens = .init(used: 6, accepted: 6)
        evidence.madTokens = .init(used: 1, refused: 1)
        evidence.tokensAfterwards = evidence.tokens
        return evidence
    }

    @Test func `clocks contradict what the customer knows, the feed does not`() {
        #expect(skewed.backwardsByClock == 1 && skewed.farthestSeconds == 39)
        #expect(skewed.cancelledBeforePlaced == 1)
        #expect(skewed.backwardsByFeed == 0 && skewed.mistold == 0 && skewed.isAsExpected)
    }

    @Test func `an order told too early, twice or never is found`() {
        var evidence = skewed
        evidence.told = ["b", "a", "c"]
        #expect(evidence.backwardsByFeed == 1 && !evidence.isAsExpected)
        evidence.told = ["a", "b"]
        #expect(evidence.mistold == 1 && !evidence.isAsExpected)
        evidence.told = ["a", "b", "b", "c"]
        #expect(evidence.mistold == 1 && !evidence.isAsExpected)
    }

    @Test func `each order's events go by their numbers, whatever clocks say`() {
        func event(_ subject: String, _ sequence: Int, _ hlc: Int64) -> EventReader.Event {
            .init(type: "x", subject: subject, sequence: sequence, hlc: hlc)
        }
        var evidence = skewed
        #expect(evidence.text.contains("only a stack"))
        evidence.events = [
            event("a", 1, 40), event("b", 1, 1), event("a", 2, 41), event("a", 3, 2),
            event("b", 2, 3), event("c", 1, 41),
        ]
        #expect(evidence.backwardsBySequence == 0 && evidence.backwardsByHybridClock == 1)
        #expect(evidence.isAsExpected && evidence.text.contains("6 events"))
        evidence.events = [event("a", 2, 1), event("b", 3, 2), event("a", 1, 3), event("c", 1, 4)]
        #expect(evidence.backwardsBySequence == 1 && !evidence.isAsExpected)
    }

    @Test func `too few orders, or events that are not there, prove nothing`() {
        var evidence = skewed
        evidence.meant = 6
        #expect(evidence.isAsExpected)
        evidence.meant = 7
        #expect(!evidence.isAsExpected)
        evidence.meant = 0
        evidence.events = []
        #expect(!evidence.areFound && !evidence.isAsExpected)
        evidence.events = ["a", "b"].map { .init(type: "x", subject: $0, sequence: 1, hlc: 1) }
        #expect(!evidence.isAsExpected)
        evidence.events?.append(.init(type: "x", subject: "c", sequence: 1, hlc: 1))
        #expect(evidence.isAsExpected)
    }

    @Test func `only 401 refuses a token`() {
        var tokens = ClockEvidence.Tokens()
        for status in [200, 401] { tokens.take(status) }
        #expect(tokens == .init(used: 2, accepted: 1, refused: 1) && tokens.text == "1 of 2")
        for status in [503, nil] as [Int?] { tokens.take(status) }
        #expect(tokens.used == 4 && tokens.text == "1 of 4 (and of 2 nobody knows)")
        var evidence = skewed
        evidence.madTokens = .init(used: 1)
        #expect(!evidence.isAsExpected)
    }

    @Test func `an event of a page is read as a consumer reads it`() {
        let json: JSONValue = [
            "type": "order.placed", "subject": "a", "sequence": "1", "hlc": "123456789012",
        ]
        #expect(
            EventReader.Event(json)
                == .init(type: "order.placed", subject: "a", sequence: 1, hlc: 123_456_789_012)
        )
        #expect(EventReader.Event(["type": "x", "subject": "a"]) == nil)
    }

    @Test func `clocks that agree after all show nothing`() {
        var evidence = skewed
        evidence.placed = [order("a", 1, 1), order("b", 2, 2), order("c", 3, 3)]
        #expect(evidence.backwardsByClock == 0 && !evidence.isAsExpected)
    }

    @Test func `a good token refused, a mad one accepted and a stolen saga are failures`() {
        for spoil in [
            { (e: inout ClockEvidence) in e.tokens.accepted = 5 },
            { $0.madTokens = .init(used: 1, accepted: 1) }, { $0.tokensAfterwards.accepted = 0 },
            { $0.adopted = 1 }, { $0.tokens = .init() },
        ] as [(inout ClockEvidence) -> Void] {
            var evidence = skewed
            spoil(&evidence)
            #expect(!evidence.isAsExpected)
        }
    }

    @Test func `an order's times are read, and nothing else is taken for one`() throws {
        let body: JSONValue = [
            "id": "a", "created_at": "2026-11-21T10:00:00.250Z",
            "updated_at": "2026-11-21T09:59:30.000Z",
        ]
        let read = try #require(ClockEvidence.Document(body))
        #expect(read.createdAt.timeIntervalSince(read.updatedAt) == 30.25)
        #expect(ClockEvidence.Document(["id": "a"]) == nil && ClockEvidence.Document(nil) == nil)
    }
}
