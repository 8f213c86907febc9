internal import HTTP
internal import Reactor

/// `load clocks`: processes disagree about the time, and nothing is ordered by it.
struct SkewedClocks: Sendable {
    /// Within what tokens tolerate.
    private static let skew = 20_000
    /// Far beyond it.
    private static let madness = 3_600_000
    private static let orders = 40

    private let stage: Stage

    init(_ stage: Stage) { self.stage = stage }

    func run() async throws -> Bool {
        let orders = stage.members(of: "order")
        guard orders.count > 1 else {
            throw Shop.Failed(
                description: "this needs two order processes or more; start a full stack"
            )
        }
        Terminal.say(
            """
            Clocks.
            What will be done: every second order process gets a clock that is \(Self.skew / 1000) s ahead, the others one that is \
            as far behind; so does one user process (ahead) and one payment process (behind). \
            Under load one customer places \(Self.orders) orders, each after the one before was confirmed, and cancels some.
            What is expected: by their times later orders come before earlier ones, and cancellations may come before what \
            they cancel; in the order of the feed, in which the customer is told, none does. Tokens and leases hold; a \
            gateway that is an hour ahead refuses tokens, and none any more when its clock is right again.

            """
        )
        let evidence = try await stage.whileBroken {
            try await skew(orders)
        } during: {
            try await observe()
        }
        Terminal.say(evidence.text + "\n\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            evidence.isAsExpected && adds,
            "a clock says what time it is and not what came first. What came first is said by whoever decides it: the "
                + "database numbers transactions and the feed follows those numbers, each order counts its events up. Leases are "
                + "measured by one clock, the database's; tokens tolerate half a minute, because signer and verifier never quite agree."
        )
    }

    private func skew(_ orders: [Member]) async throws {
        func rule(_ offset: Int) -> JSONValue {
            ["name": "clocks", "clock_offset_ms": .integer(Int64(offset))]
        }
        for (index, order) in orders.enumerated() {
            try await stage.admin.add(
                rule(index.isMultiple(of: 2) ? Self.skew : -Self.skew),
                to: order
            )
        }
        if let user = stage.members(of: "user").first {
            try await stage.admin.add(rule(Self.skew), to: user)
        }
        if let payment = stage.members(of: "payment").first {
            try await stage.admin.add(rule(-Self.skew), to: payment)
        }
    }

    private func observe() async throws -> ClockEvidence {
        let callers = stage.members(of: "order")
        let before = Self.adoptions(try await stage.metrics(of: callers))
        var evidence = ClockEvidence(meant: Self.orders)
        let account = try await stage.session.shop.newCustomer(99)
        let reader = try reader()
        let place = try await place(reader)
        try await shop(as: account, &evidence)
        evidence.told = await told(account, of: evidence.placed.count)
        if let reader, let place {
            try await read(reader, place, &evidence)
        }
        evidence.tokens = await tokens(account)
        evidence.adopted = Self.adoptions(try await stage.metrics(of: callers)) - before
        evidence.madTokens = try await madness(account)
        evidence.tokensAfterwards = await tokens(account)
        return evidence
    }

    /// Nil where a consumer's certificate is out of reach.
    private func reader() throws -> EventReader? {
        guard let order = stage.members(of: "order").compactMap(\.listen).first,
            let credentials = stage.platform.consumer()
        else { return nil }
        return try EventReader(order, credentials)
    }

    /// Where the feed ends now; nil where it cannot be read.
    ///
    /// - Throws: when it can, and does not say, asked five times.
    private func place(_ reader: EventReader?) async throws -> String? {
        guard let reader else { return nil }
        if let place = try await Admin.insist({ await reader.newest() }) { return place }
        throw Shop.Failed(description: "the order service does not say where its feed ends")
    }

    /// Reads the events of the placed orders, until there are some of each; for a while.
    private func read(
        _ reader: EventReader,
        _ place: String,
        _ evidence: inout ClockEvidence
    ) async throws {
        let placed = Set(evidence.placed.map(\.id))
        for _ in 0..<40 {
            evidence.events = await reader.events(after: place).filter {
                placed.contains($0.subject)
            }
            if evidence.areFound { break }
            try await EventLoop.sleep(for: .milliseconds(500))
        }
    }

    /// Orders one after the other, so that the customer knows which came first.
    private func shop(as account: Account, _ evidence: inout ClockEvidence) async throws {
        guard let customer = stage.session.customers.first else { return }
        let shop = stage.session.shop
        for number in 0..<Self.orders {
            let key = "clocks-\(UInt64.random(in: 0 ... .max))"
            let placed = await shop.see(
                try customer.checkout(key, customer.products),
                as: account
            )
            guard placed.status == 201, let order = ClockEvidence.Document(placed.body) else {
                continue
            }
            evidence.placed.append(order)
            guard number % 4 == 0 else { continue }
            let cancelled = await shop.see(
                ClientRequest(
                    .post,
                    "/orders/\(order.id)/cancel",
                    headers: ["idempotency-key": "\(key)-cancel"]
                ),
                as: account
            )
            if cancelled.status == 200, let order = ClockEvidence.Document(cancelled.body) {
                evidence.cancelled.append(order)
            }
        }
    }

    /// The orders that the account was told are confirmed, in that order; waits for them for a while.
    private func told(_ account: Account, of count: Int) async -> [String] {
        var orders: [String] = []
        for _ in 0..<40 {
            orders = await told(account)
            if orders.count >= count { break }
            try? await EventLoop.sleep(for: .milliseconds(500))
        }
        return orders
    }

    private func told(_ account: Account) async -> [String] {
        var orders: [String] = []
        var cursor: String?
        repeat {
            let page = await stage.session.shop.see(
                ClientRequest(
                    .get,
                    "/notifications?limit=100" + (cursor.map { "&cursor=\($0)" } ?? "")
                ),
                as: account
            )
            for item in page.body?["items"]?.array ?? []
            where item["kind"]?.string == "order.confirmed" {
                if let order = item["order_id"]?.string { orders.append(order) }
            }
            cursor = page.body?["next_cursor"]?.string
        } while cursor != nil
        // The list has the newest first.
        return orders.reversed()
    }

    /// Signs in a few times, at any user process, and uses each token at once; how many were good.
    private func tokens(_ account: Account) async -> ClockEvidence.Tokens {
        var tokens = ClockEvidence.Tokens()
        let shop = stage.session.shop
        for customer in stage.session.customers.prefix(6) {
            guard let request = try? shop.signInRequest(customer.account) else { continue }
            let signedIn = await shop.see(request)
            guard let token = signedIn.body?["access_token"]?.string else { continue }
            let fresh = Account(id: "", token: token, email: "", password: "")
            tokens.take(await whoAmI(fresh))
        }
        return tokens
    }

    /// The status of a question that needs a good token; whoever is told to come back does.
    private func whoAmI(_ account: Account) async -> Int? {
        var status: Int?
        for _ in 0..<5 {
            status = await stage.session.shop.see(ClientRequest(.get, "/users/me"), as: account)
                .status
            if status == 200 || status == 401 { break }
            try? await EventLoop.sleep(for: .milliseconds(500))
        }
        return status
    }

    /// What tokens are worth at a gateway that is an hour ahead.
    private func madness(_ account: Account) async throws -> ClockEvidence.Tokens {
        let gateways = stage.members(of: "gateway")
        let rule: JSONValue = [
            "name": "clocks-mad", "clock_offset_ms": .integer(Int64(Self.madness)),
        ]
        for gateway in gateways { try await stage.admin.add(rule, to: gateway) }
        var tokens = ClockEvidence.Tokens()
        tokens.take(await whoAmI(account))
        for gateway in gateways { await stage.admin.clear(gateway, of: "clocks-mad") }
        return tokens
    }

    private static func adoptions(_ texts: [String]) -> Int {
        MetricsText.sum(of: "saga_adopted_total", in: texts)
    }
}
