internal import HTTP
internal import Reactor

/// `load chaos`: troubles at random under load; then everything must add up.
struct Chaos: Sendable {
    private let stage: Stage

    init(_ stage: Stage) { self.stage = stage }

    func run() async throws -> Bool {
        let seed = stage.options.seed ?? UInt64.random(in: 1...999_999)
        let takesFaults = await stage.takesFaults()
        let plan = ChaosPlan(
            seed: seed,
            seconds: Double(stage.options.seconds),
            members: stage.members,
            takesFaults: takesFaults
        )
        Terminal.say(
            """
            What will be done to \(stage.platform.description): \(plan.troubles.count) troubles in \(stage.options.seconds) s \
            (--seed \(seed) for the same ones), under \(stage.options.rate ?? 0) checkouts a second.
            What to watch: clients are told pending, saved, or to come back; then the oracle compares all databases with
            each other and with what every client saw.\(takesFaults ? "" : "\nNo faults: the platform was started without them.")

            """
        )
        let begun = try await stage.whileBroken(during: { try await perform(plan) })
        let sum = stage.session.recorder.sum
        let verdict = ChaosVerdict(
            planned: plan.troubles.count,
            begun: begun,
            confirmed: sum.outcomes["201", default: 0]
        )
        if let text = verdict.text { Terminal.say("\n" + text) }
        Terminal.say(
            "\n\(sum.requests) checkouts, \(Figure.mix(sum.outcomes)); p99 "
                + "\(Figure.milliseconds(sum.latencies.percentile(0.99))) ms\n\nThe books, once every saga has ended:"
        )
        let adds = try await stage.verify()
        return stage.conclude(
            adds && verdict.holds,
            "whatever was killed, paused or lost: each acknowledged order is there, once, paid once or paid back. "
                + "Each step is a commit that can be asked for again, and what was begun is finished or undone by whoever is left."
        )
    }

    /// Breaks and mends, each trouble beside the others, and reports once every few seconds.
    ///
    /// - Returns: how many troubles came about.
    private func perform(_ plan: ChaosPlan) async throws -> Int {
        let start = Deadline.now
        return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await stage.endure(plan.troubles, since: start) }
            let end = start.advanced(by: .seconds(stage.options.seconds))
            while !end.hasPassed {
                try await EventLoop.sleep(until: end.or(earlier: .after(.seconds(5))))
                let window = stage.session.recorder.takeWindow()
                Terminal.say(Stage.time(since: start) + "    \(Figure.mix(window.outcomes))")
            }
            return try await group.reduce(0, +)
        }
    }
}

/// Whether there was trouble, and a shop to have it: without either the books prove nothing.
struct ChaosVerdict: Sendable, Equatable {
    let planned: Int
    /// Those that came about: two may meet at one process, and one of them finds nothing to break.
    let begun: Int
    /// Checkouts that were confirmed at once.
    let confirmed: Int

    var holds: Bool { begun > 0 && confirmed > 0 }

    /// What was planned and did not come about; nil when all did.
    var text: String? {
        begun < planned ? "\(begun) of \(planned) troubles came about" : nil
    }
}
