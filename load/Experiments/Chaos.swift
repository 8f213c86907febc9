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
        do {
            try await stage.underLoad { try await perform(plan) }
        } catch {
            await stage.clearFaults()
            throw error
        }
        await stage.clearFaults()
        let sum = stage.session.recorder.sum
        Terminal.say(
            "\n\(sum.requests) checkouts, \(Figure.mix(sum.outcomes)); p99 "
                + "\(Figure.milliseconds(sum.latencies.percentile(0.99))) ms\n\nThe books, once every saga has ended:"
        )
        let adds = try await stage.verify()
        return stage.conclude(
            adds,
            "whatever was killed, paused or lost: each acknowledged order is there, once, paid once or paid back. "
                + "Each step is a commit that can be asked for again, and what was begun is finished or undone by whoever is left."
        )
    }

    /// Breaks and mends, each trouble beside the others, and reports once every few seconds.
    private func perform(_ plan: ChaosPlan) async throws {
        let start = Deadline.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for trouble in plan.troubles {
                group.addTask {
                    try await EventLoop.sleep(until: start.advanced(by: .seconds(trouble.at)))
                    Terminal.say(time(since: start) + trouble.line)
                    await begin(trouble)
                    try? await EventLoop.sleep(for: .seconds(trouble.lasts))
                    await mend([trouble])
                }
            }
            let end = start.advanced(by: .seconds(stage.options.seconds))
            while !end.hasPassed {
                try await EventLoop.sleep(until: end.or(earlier: .after(.seconds(5))))
                let window = stage.session.recorder.takeWindow()
                Terminal.say(time(since: start) + "    \(Figure.mix(window.outcomes))")
            }
            try await group.waitForAll()
        }
    }

    private func time(since start: Deadline) -> String {
        let seconds = (Deadline.now.nanoseconds - start.nanoseconds) / 1_000_000_000
        return Figure.padded("\(seconds) s", 6) + "  "
    }

    private func begin(_ trouble: ChaosPlan.Trouble) async {
        switch trouble.kind {
        case .kill: await act(.kill, on: trouble.target)
        case .pause: await act(.pause, on: trouble.target)
        case .fault(let rule, _):
            // Whoever was killed by another trouble meanwhile takes no faults.
            try? await stage.admin.add(rule, to: trouble.target)
        }
    }

    /// Two troubles may meet at one process: what cannot be done is no reason to stop.
    private func act(_ verb: Verb, on member: Member) async {
        do {
            try await stage.platform.act(verb, on: [member])
        } catch {
            Terminal.note("        \(error)")
        }
    }

    private func mend(_ troubles: [ChaosPlan.Trouble]) async {
        await stage.mending {
            for trouble in troubles {
                switch trouble.kind {
                case .kill: await act(.start, on: trouble.target)
                case .pause: await act(.resume, on: trouble.target)
                case .fault: await stage.admin.clear(trouble.target)
                }
            }
        }
    }
}
