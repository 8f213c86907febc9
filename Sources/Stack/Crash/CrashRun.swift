internal import Glibc

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
        defer { leave() }
        // What a kill hit at the very end of the case before is not this one's.
        _ = try stack.revive()
        if item.scenario == .cancel, try !attempt.prepare() { return attempt.outcome }
        arm(item)
        try attempt.ask()
        try attempt.settle()
        try attempt.shopAgain()
        return attempt.outcome
    }

    private func leave() {
        stack.disarm()
        stack.paused?.send(SIGCONT)
    }

    // MARK: Rules

    private func arm(_ item: CrashCase) {
        for victim in CrashVictim.allCases {
            var rules = victim == item.victim ? faultRules(item) : []
            // The fault is always rule 0, so that it can be told whether it was met.
            if rules.isEmpty { rules = [CrashRule(calls: [], first: 1, action: .mark)] }
            rules += scenarioRules(item, victim)
            stack.arm(victim, rules, counting: CrashRun.counted(victim))
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
        case .pause: action = .pause
        case .duplicate:
            // Its request waits until its double has come; for a checkout product is asked for a
            // quote before.
            let port = stack.port(item.victim.rawValue)
            let first = item.victim == .product && item.scenario != .cancel ? 2 : 1
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
