internal import Contracts
internal import Reactor

/// `load ablation`: what each guard prevents, by taking one after the other away.
struct Ablation: Sendable {
    private let variants: [[Guard]]
    private let options: Options
    private let seed: UInt64

    /// - Parameter variants: what is left out, stack by stack.
    init(_ variants: [[Guard]], _ options: Options) {
        self.variants = variants
        self.options = options
        seed = options.seed ?? UInt64.random(in: 1...999_999)
    }

    func run() async throws -> Bool {
        Terminal.say(
            """
            What will be done: \(variants.count + 2) stacks, one after the other, each in a folder of its own that is gone \
            afterwards; each gets \(options.rate ?? 0) checkouts a second for \(AblationPlan.seconds) s and the same \
            troubles (--seed \(seed)): answers of payment and of the provider are lost, requests to product are lost, an \
            instance is slow, order processes are paused for longer than their leases and killed, payment fails. \
            The first and the last stack have every guard, the others lack \
            \(variants.map { Self.name($0) }.joined(separator: ", ")).
            What is expected: with every guard everything adds up, whatever fails. Without idempotency or fencing some \
            promise breaks; where only others are left out, some figure gets worse. Figures count when they are well \
            beyond those of the two stacks that lack nothing.

            """
        )
        var whole = [try await row(without: [])]
        var ablated: [AblationRow] = []
        for missing in variants { ablated.append(try await row(without: missing)) }
        whole.append(try await row(without: []))
        let report = AblationReport(whole: whole, ablated: ablated)
        Terminal.say("\n" + report.table + "\n\n" + report.effects)
        return Stage.conclude(
            report.holds,
            "each guard is there because something breaks without it: some keep promises (a key charges once, an epoch "
                + "lets one driver write, a reader waits for writers), and those may never be left out; others keep "
                + "waiting short and failing services breathing. Where nothing shows, another guard stood in, or the moment "
                + "that it is for did not come: a race that is lost once a week is not seen in a minute."
        )
    }

    /// One stack from its start to its books.
    private func row(without missing: [Guard]) async throws -> AblationRow {
        let names = missing.map(\.rawValue).joined(separator: ",")
        let words = missing.isEmpty ? [] : ["--set", "ABLATE=\(names)"]
        Terminal.say(missing.isEmpty ? "With every guard:" : "Without \(Self.name(missing)):")
        let found = try await OwnStack.with(
            AblationPlan.replicas + AblationPlan.settings + words
        ) { stack in
            try await measure(missing, on: stack)
        }
        Terminal.say(
            "    \(Figure.rounded(found.goodput)) confirmed a second, p99 "
                + "\(Figure.milliseconds(found.p99)) ms, \(found.broken.count) of "
                + "\(found.findings.count) invariants broken\n"
        )
        return found
    }

    private static func unserved(_ sum: Tally) -> Double {
        let failed = sum.outcomes.filter { $0.key.hasPrefix("5") || $0.key == "no answer" }
        return Double(failed.values.reduce(0, +)) / Double(max(1, sum.requests))
    }

    private static func name(_ missing: [Guard]) -> String {
        missing.map(\.rawValue).joined(separator: "+")
    }

    private func measure(_ missing: [Guard], on own: OwnStack) async throws -> AblationRow {
        var options = options
        options.platform = .stack(own.data)
        options.shop = nil
        let stage = try await Stage(options)
        let payments = stage.members(of: "payment")
        for payment in payments { try await stage.admin.add(AblationPlan.counting, to: payment) }
        let plan = AblationPlan(seed: seed, members: stage.members)
        let charges = try await stage.underLoad {
            let start = Deadline.now
            try await stage.endure(plan.troubles, since: start)
            try await EventLoop.sleep(
                until: start.advanced(by: .seconds(AblationPlan.seconds))
            )
            return try await stage.admin.seen(AblationPlan.counter, at: payments)
        }
        try stage.session.history?.close()
        let sum = stage.session.recorder.sum
        // As long as a saga may take to give up, and some more for it to be undone.
        let findings = try await StackPlatform(own.data).findings(wait: 45, history: stage.history)
        return AblationRow(
            missing: missing,
            goodput: Double(sum.outcomes["201", default: 0]) / Double(AblationPlan.seconds),
            p99: sum.latencies.percentile(0.99),
            unserved: Self.unserved(sum),
            charges: Double(charges) / Double(max(1, sum.requests)),
            findings: findings
        )
    }
}
