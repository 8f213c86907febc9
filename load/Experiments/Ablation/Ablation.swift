internal import Contracts
internal import FoundationEssentials
internal import Reactor

/// `load ablation`: what each guard prevents, by taking one after the other away.
struct Ablation: Sendable {
    private let parts: [Guard]
    private let options: Options
    private let seed: UInt64

    init(_ parts: [Guard], _ options: Options) {
        self.parts = parts
        self.options = options
        seed = options.seed ?? UInt64.random(in: 1...999_999)
    }

    func run() async throws -> Bool {
        Terminal.say(
            """
            What will be done: \(parts.count + 1) stacks, one after the other, each in a folder of its own that is gone \
            afterwards; each gets \(options.rate ?? 0) checkouts a second for \(AblationPlan.seconds) s and the same \
            troubles (--seed \(seed)): answers of payment and of the provider are lost, requests are lost, an \
            instance is slow, order processes are paused for longer than their leases and killed, payment fails. \
            The first stack has every guard; each other one lacks one: \(parts.map(\.rawValue).joined(separator: ", ")).
            What is expected: with every guard everything adds up, whatever fails; without some it does not.

            """
        )
        let whole = try await row(without: nil)
        var ablated: [AblationRow] = []
        for part in parts { ablated.append(try await row(without: part)) }
        let report = AblationReport(whole: whole, ablated: ablated)
        Terminal.say("\n" + report.table + "\n\n" + report.effects)
        return Stage.conclude(
            report.holds,
            "each guard is there because something breaks without it: some keep promises (a key charges once, an epoch "
                + "lets one driver write, a reader waits for writers), and those may never be left out; others keep "
                + "waiting short and failing services breathing. Where nothing shows, another guard stood in: that is why there are several."
        )
    }

    /// One stack from its start to its books.
    private func row(without part: Guard?) async throws -> AblationRow {
        let words = part.map { ["--set", "ABLATE=\($0.rawValue)"] } ?? []
        Terminal.say(part.map { "Without \($0.rawValue):" } ?? "With every guard:")
        let found = try await OwnStack.with(
            AblationPlan.replicas + AblationPlan.settings + words
        ) { stack in
            try await measure(part, on: stack)
        }
        Terminal.say(
            "    \(Figure.rounded(found.goodput)) confirmed a second, p99 "
                + "\(Figure.milliseconds(found.p99)) ms, \(found.broken.count) of "
                + "\(found.findings.count) invariants broken\n"
        )
        return found
    }

    private func measure(_ part: Guard?, on own: OwnStack) async throws -> AblationRow {
        var options = options
        options.platform = .stack(own.data)
        if let shop = ShopAddress("http://127.0.0.1:\(own.port)") { options.shop = shop }
        let stage = try await Stage(options)
        defer { try? FileManager.default.removeItem(atPath: stage.history) }
        let payments = stage.members(of: "payment")
        for payment in payments { try await stage.admin.add(AblationPlan.counting, to: payment) }
        let plan = AblationPlan(seed: seed, members: stage.members)
        let charges = try await stage.underLoad {
            let start = Deadline.now
            try await stage.endure(plan.troubles, since: start)
            try await EventLoop.sleep(
                until: start.advanced(by: .seconds(AblationPlan.seconds))
            )
            return await stage.admin.seen(AblationPlan.counter, at: payments)
        }
        try stage.session.history?.close()
        let sum = stage.session.recorder.sum
        // As long as a saga may take to give up, and some more for it to be undone.
        let findings = try await StackPlatform(own.data).findings(wait: 45, history: stage.history)
        return AblationRow(
            part: part,
            goodput: Double(sum.outcomes["201", default: 0]) / Double(AblationPlan.seconds),
            p99: sum.latencies.percentile(0.99),
            charges: Double(charges) / Double(max(1, sum.requests)),
            findings: findings
        )
    }
}
