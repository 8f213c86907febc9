internal import Glibc

/// One case under way.
struct Attempt {
    let run: CrashRun
    let item: CrashCase
    let key: String
    var outcome = CrashRun.Outcome()
    private var order: String?
    private var lastAnswer = "none"
    private var isSecondArmed = false
    private var hasAskedAgain = false
    private var standstill = Standstill.awaited
    private var began = ContinuousClock.now

    /// How far a replica has come that is to stand still.
    private enum Standstill {
        case awaited
        case since(ContinuousClock.Instant, ProcessIdentity)
        case over
    }

    init(run: CrashRun, item: CrashCase, key: String) {
        self.run = run
        self.item = item
        self.key = key
    }

    private var isDuplicate: Bool { item.fault == .duplicate }

    /// Places the order that is to be cancelled, and waits until everybody has been told of it.
    ///
    /// - Returns: false when that failed, which is noted.
    mutating func prepare() throws(StackError) -> Bool {
        let end = ContinuousClock.now + CrashRun.patience
        var answer = CrashShopper.Answer.pending
        while answer == .pending, ContinuousClock.now < end {
            let exchange = run.shopper.place(item.scenario, key: key)
            while !exchange.poll(), ContinuousClock.now < end {
                try wait(.milliseconds(2))
            }
            answer = CrashShopper.read(exchange.response)
            order = CrashShopper.order(exchange.response)
        }
        while answer == .confirmed, ContinuousClock.now < end {
            if try run.stack.judge()?.allSatisfy(\.holds) == true { return true }
            try wait(.milliseconds(20))
        }
        outcome.violations.append("the order to be cancelled came out as \(answer)")
        return false
    }

    /// Sends the checkout or the cancellation, again and again, until there is a definite answer.
    mutating func ask() throws(StackError) {
        began = .now
        let end = began + CrashRun.patience
        while ContinuousClock.now < end {
            let exchange = send()
            while !exchange.poll(), ContinuousClock.now < end { try attend(.milliseconds(2)) }
            outcome.answer = read(exchange.response)
            lastAnswer = exchange.response.map { "\($0.status) \($0.text.prefix(300))" } ?? "none"
            order = CrashShopper.order(exchange.response) ?? order
            if isDuplicate, !hasAskedAgain, order != nil {
                hasAskedAgain = true
                try askAgain(atOnce: true)
            }
            if outcome.answer != .pending { return try check() }
            try attend(.milliseconds(20))
        }
        outcome.violations.append(
            "no definite answer within \(CrashRun.patience), the last one: \(lastAnswer)"
        )
    }

    private func send() -> Exchange {
        guard item.scenario == .cancel, let order else {
            return run.shopper.place(item.scenario, key: key, async: isDuplicate)
        }
        return run.shopper.cancel(order, async: isDuplicate)
    }

    private func read(_ response: LoopbackResponse?) -> CrashShopper.Answer {
        item.scenario == .cancel
            ? CrashShopper.read(cancellation: response) : CrashShopper.read(response)
    }

    /// Waits until everything adds up.
    mutating func settle() throws(StackError) {
        if isDuplicate { try askAgain(atOnce: false) }
        if item.fault == .late { try awaitTheLate() }
        if item.fault == .pause { try awaitTheSleeper() }
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
            || isSecondArmed || hasStoodStill
        run.stack.disarm()
        // A recovery that begins only now is not broken any more: its kill would hit the next case.
        isSecondArmed = true
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
        if item.fault == .pause { watchTheSleeper() }
        try revive()
    }

    /// Waits, and starts again what has died, before anything is broken.
    private mutating func wait(_ pause: Duration) throws(StackError) {
        try Interrupts.pause(pause)
        try revive()
    }

    private mutating func revive() throws(StackError) {
        for name in try run.stack.revive() where !isMeant(name) {
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
            case .cancel: .cancelled
            }
        guard outcome.answer != wanted, outcome.answer != .timedOut else { return }
        outcome.violations.append("answered \(outcome.answer), not \(wanted)")
    }

    // MARK: Doubles and latecomers

    private func awaitTheLate() throws(StackError) {
        let arrival = began + CrashStack.deadline + .milliseconds(2_000)
        while ContinuousClock.now < arrival { try Interrupts.pause(.milliseconds(20)) }
    }

    /// Lets the replica that stands still go on once another one has had the time to take over.
    private mutating func watchTheSleeper() {
        switch standstill {
        case .awaited:
            guard let process = run.stack.paused else { return }
            standstill = .since(.now, process)
            // Whoever takes over comes to the same call, and must not stand still as well.
            run.stack.disarm()
        case .since(let start, let process):
            guard ContinuousClock.now - start > CrashStack.standstill else { return }
            process.send(SIGCONT)
            standstill = .over
        case .over: break
        }
    }

    private var hasStoodStill: Bool {
        if case .awaited = standstill { return false }
        return true
    }

    /// Waits until the replica goes on, and gives it the time to do what it was about to.
    private mutating func awaitTheSleeper() throws(StackError) {
        if !hasStoodStill {
            run.stack.disarm()
            try attend(.milliseconds(5))
        }
        while case .since = standstill { try attend(.milliseconds(20)) }
        if hasStoodStill { try attend(.milliseconds(500)) }
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
        let charge = """
            {"customer_id":"\(run.shopper.customer)","amount_cents":\(cents),
            "currency":"USD","payment_method":"\(item.scenario.card)"}
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
