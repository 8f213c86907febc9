/// Runs one case: breaks one checkout at one point, brings back what died, and asks whether
/// everything adds up.
struct CrashRun {
    let stack: CrashStack
    let shopper: CrashShopper
    /// Sets this run's idempotency keys apart from those of every other.
    let tag: String

    /// How a case went.
    struct Outcome {
        var answer = CrashShopper.Answer.pending
        /// Whether the point was reached at all.
        var isReached = false
        /// Nothing here means that all is well.
        var violations: [String] = []
        var calls: [CrashVictim: [CrashStep]] = [:]
    }

    /// How long everything may take to be in order again once a fault is over.
    static let patience = Duration.seconds(30)

    /// The calls that count: of PostgreSQL the flushes of its log, between which nothing that it does
    /// outlives it; those are also its only calls that whoever looks at the databases does not add to.
    static func counted(_ victim: CrashVictim) -> [CrashStep.Call] {
        victim == .postgres ? [.sync] : [.read, .write, .connect, .accept, .sync]
    }

    /// Watches one undisturbed checkout: what the matrix is generated from.
    func observe(_ scenario: CrashScenario, round: Int) throws(StackError) -> Outcome {
        try run(CrashCase(.order, scenario, .lost, .request(1)), number: "watch-\(round)")
    }

    /// Runs the case.
    func run(_ item: CrashCase, number: String) throws(StackError) -> Outcome {
        var attempt = Attempt(run: self, item: item, key: "\(tag)-\(number)-\(item)")
        defer { for control in stack.controls.values { control.disarm() } }
        arm(item)
        try attempt.checkOut()
        try attempt.settle()
        try attempt.shopAgain()
        return attempt.outcome
    }

    // MARK: Rules

    private func arm(_ item: CrashCase) {
        for victim in CrashVictim.allCases {
            var rules = victim == item.victim ? faultRules(item) : []
            // The fault is always rule 0, so that it can be told whether it was met.
            if rules.isEmpty { rules = [CrashRule(calls: [], first: 1, action: .mark)] }
            rules += scenarioRules(item, victim)
            stack.controls[victim]?.arm(rules, counting: CrashRun.counted(victim))
        }
    }

    private func faultRules(_ item: CrashCase) -> [CrashRule] {
        let action: CrashRule.Action
        switch item.fault {
        case .killBefore: action = .killBefore
        case .killAfter: action = .killAfter
        case .lost: action = .lose
        case .cut: action = .truncate
        case .reset: action = .reset
        case .duplicate:
            // Its request waits until its double has come; product is asked for a quote before.
            let port = stack.port(item.victim.rawValue)
            let first = item.victim == .product ? 2 : 1
            return [
                CrashRule(
                    calls: [.read],
                    port: port,
                    first: first,
                    action: .stall,
                    milliseconds: 150
                )
            ]
        case .late: return lateRules(item)
        }
        guard case .call(let step, let number) = item.point else { return [] }
        return [
            CrashRule(
                calls: [step.call],
                port: stack.port(step.edge),
                first: number,
                action: action
            )
        ]
    }

    /// The request is on its way until its saga has given up; every other try to ask is lost until then.
    private func lateRules(_ item: CrashCase) -> [CrashRule] {
        guard case .call(let step, let number) = item.point else { return [] }
        let port = stack.port(step.edge)
        let late = Int((CrashStack.deadline + .milliseconds(1_500)) / .milliseconds(1))
        return [
            CrashRule(
                calls: [.write],
                port: port,
                first: number,
                action: .delay,
                milliseconds: late
            ),
            CrashRule(calls: [.write], port: port, first: number + 1, count: 0, action: .lose),
        ]
    }

    /// What makes the scenario, beside the card and the products.
    private func scenarioRules(_ item: CrashCase, _ victim: CrashVictim) -> [CrashRule] {
        switch (item.scenario, victim) {
        case (.unknownCharge, .payment):
            return [
                CrashRule(
                    calls: [.read],
                    port: stack.port("provider"),
                    first: 1,
                    count: 2,
                    action: .lose
                )
            ]
        case (.failingUndo, .order):
            // The first request to each asks to do, what follows asks to undo; quotes come first.
            return [
                CrashRule(
                    calls: [.write],
                    port: stack.port("payment"),
                    first: 2,
                    count: 6,
                    action: .lose
                ),
                CrashRule(
                    calls: [.write],
                    port: stack.port("product"),
                    first: 3,
                    count: 6,
                    action: .lose
                ),
            ]
        default: return []
        }
    }
}

/// One case under way.
struct Attempt {
    let run: CrashRun
    let item: CrashCase
    let key: String
    var outcome = CrashRun.Outcome()
    private var order: String?
    private var lastAnswer = "none"
    private var isSecondArmed = false
    private let began = ContinuousClock.now

    init(run: CrashRun, item: CrashCase, key: String) {
        self.run = run
        self.item = item
        self.key = key
    }

    private var isDuplicate: Bool { item.fault == .duplicate }

    /// Sends the checkout, again and again, until there is a definite answer.
    mutating func checkOut() throws(StackError) {
        let end = ContinuousClock.now + CrashRun.patience
        while ContinuousClock.now < end {
            let exchange = run.shopper.place(item.scenario, key: key, async: isDuplicate)
            while !exchange.poll(), ContinuousClock.now < end { try attend(.milliseconds(2)) }
            outcome.answer = CrashShopper.read(exchange.response)
            lastAnswer = exchange.response.map { "\($0.status) \($0.text.prefix(300))" } ?? "none"
            let isNew = order == nil
            order = CrashShopper.order(exchange.response) ?? order
            if isNew, isDuplicate { try askAgain(atOnce: true) }
            if outcome.answer != .pending { return try check() }
            try attend(.milliseconds(20))
        }
        outcome.violations.append(
            "no definite answer within \(CrashRun.patience), the last one: \(lastAnswer)"
        )
    }

    /// Waits until everything adds up.
    mutating func settle() throws(StackError) {
        if isDuplicate { try askAgain(atOnce: false) }
        if item.fault == .late { try awaitTheLate() }
        let end = ContinuousClock.now + CrashRun.patience
        var findings: [Oracle.Finding] = []
        while ContinuousClock.now < end {
            try attend(.milliseconds(1))
            guard let judged = try run.stack.judge() else { continue }
            findings = judged
            if judged.allSatisfy(\.holds) { break }
            try attend(.milliseconds(20))
        }
        outcome.violations += findings.filter { !$0.holds }.map { "\($0.name): \($0.figures)" }
        if findings.isEmpty { outcome.violations.append("PostgreSQL did not come back") }
        for victim in CrashVictim.allCases { outcome.calls[victim] = run.stack.trace(victim) }
        outcome.isReached =
            item.fault == .duplicate || (run.stack.controls[item.victim]?.fired(0) ?? 0) > 0
            || isSecondArmed
        for control in run.stack.controls.values { control.disarm() }
    }

    /// The shop sells as if nothing had been; this also opens the connections for the next case.
    mutating func shopAgain() throws(StackError) {
        var answer = CrashShopper.Answer.pending
        let end = ContinuousClock.now + CrashRun.patience
        while answer == .pending, ContinuousClock.now < end {
            let exchange = run.shopper.place(nil, key: key + "-again")
            while !exchange.poll(), ContinuousClock.now < end { try attend(.milliseconds(1)) }
            answer = CrashShopper.read(exchange.response)
        }
        if answer != .confirmed {
            outcome.violations.append("the next checkout came out as \(answer)")
        }
    }

    // MARK: Meanwhile

    /// Waits, starts again what has died, and arms what is to kill the recovery.
    private mutating func attend(_ pause: Duration) throws(StackError) {
        try Interrupts.pause(pause)
        if item.fault == .late, ContinuousClock.now - began > CrashStack.deadline {
            // The saga has given up by now; it must be able to say so.
            run.stack.controls[item.victim]?.forget(rule: 1)
        }
        if let again = item.again, !isSecondArmed, isDue {
            let calls = CrashRun.counted(again.victim)
            run.stack.controls[again.victim]?.arm(
                [CrashRule(calls: calls, first: again.point, action: .killBefore)],
                counting: calls
            )
            isSecondArmed = true
        }
        let dead = try run.stack.revive()
        for name in dead where !isMeant(name) {
            outcome.violations.append("\(name) died by itself")
        }
    }

    /// Whether the first kill has happened.
    private var isDue: Bool { (run.stack.controls[item.victim]?.fired(0) ?? 0) > 0 }

    private func isMeant(_ name: String) -> Bool {
        (item.fault.isKill && name == item.victim.rawValue) || name == item.again?.victim.rawValue
    }

    /// The answer must be the scenario's, or that time ran out, which nobody is charged for.
    private mutating func check() throws(StackError) {
        let wanted: CrashShopper.Answer =
            switch item.scenario {
            case .success, .unknownCharge: .confirmed
            case .outOfStock: .outOfStock
            case .declined, .failingUndo: .declined
            }
        guard outcome.answer != wanted, outcome.answer != .timedOut else { return }
        outcome.violations.append("answered \(outcome.answer), not \(wanted)")
    }

    // MARK: Doubles and latecomers

    private func awaitTheLate() throws(StackError) {
        let arrival = began + CrashStack.deadline + .milliseconds(2_000)
        while ContinuousClock.now < arrival { try Interrupts.pause(.milliseconds(20)) }
    }

    /// Sends a participant the request that order has sent it.
    private mutating func askAgain(atOnce: Bool) throws(StackError) {
        let repeats = CrashRepeat.all(item.scenario)
        guard let order, case .request(let number) = item.point,
            repeats.indices.contains(number - 1)
        else { return }
        let repeated = repeats[number - 1]
        guard repeated.isAtOnce == atOnce else { return }
        let lines = run.shopper.lines(item.scenario)
            .map { "{\"product_id\":\"\($0.product)\",\"quantity\":\($0.quantity)}" }
        let reserve = "{\"lines\":[\(lines.joined(separator: ","))]}"
        let cents = run.shopper.lines(item.scenario).reduce(0) {
            $0 + $1.quantity * CrashShopper.price
        }
        let card = item.scenario.isUndone ? "pm_card_chargeDeclined" : "pm_card_visa"
        let charge = """
            {"customer_id":"\(run.shopper.customer)","amount_cents":\(cents),
            "currency":"USD","payment_method":"\(card)"}
            """
        let stack = run.stack
        let tool: Tool =
            switch repeated.request {
            case .reserve:
                try stack.asOrder("PUT", "/reservations/\(order)", to: "product", json: reserve)
            case .release:
                try stack.asOrder("DELETE", "/reservations/\(order)", to: "product", json: nil)
            case .charge:
                try stack.asOrder("PUT", "/payments/\(order)", to: "payment", json: charge)
            case .refund:
                try stack.asOrder("DELETE", "/payments/\(order)", to: "payment", json: nil)
            }
        let answer = try tool.finish(within: .seconds(15))
        // While nobody knows yet, 503 is the honest answer.
        guard let status = Int(answer.output), (200..<500).contains(status) || status == 503 else {
            outcome.violations.append("\(repeated.request) again: \(answer.output)\(answer.errors)")
            return
        }
    }
}
