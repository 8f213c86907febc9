internal import HTTP
internal import Reactor

extension Fallacy {
    /// One instance of several is slower than anybody waits.
    static let zeroLatency = Fallacy(number: 2, belief: "latency is zero") { stage in
        let products = stage.members(of: "product")
        guard products.count > 1, let slow = products.last else {
            throw Shop.Failed(
                description: "this needs two product processes or more; start a full stack"
            )
        }
        Terminal.say(
            """
            Fallacy 2: latency is zero.
            What will be done: 10 s undisturbed, then \(slow.name) takes 2.5 s for everything, for 20 s. A try is given \
            up after 2 s.
            What is expected: callers wait a few times, health checks and breakers pass it by, and the others carry the \
            load: in the last 10 s the median is below 500 ms again, and 95 of 100 are confirmed.

            """
        )
        var phases: [(name: String, tally: Tally)] = []
        try await stage.whileBroken(undo: { await stage.admin.clear(slow) }) {
        } during: {
            _ = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            let well = stage.session.recorder.takeWindow()
            let rule: JSONValue = ["name": "fallacy-2", "latency_ms": 2500]
            try await stage.admin.add(rule, to: slow)
            try await EventLoop.sleep(for: .seconds(10))
            let first = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            return [
                ("undisturbed", well), ("first 10 s", first),
                ("last 10 s", stage.session.recorder.takeWindow()),
            ]
        }.forEach { phases.append((name: $0.0, tally: $0.1)) }
        for phase in phases {
            let latencies = phase.tally.latencies
            Terminal.say(
                "  \(phase.name): p50 \(Figure.milliseconds(latencies.percentile(0.5))) ms, p99 "
                    + "\(Figure.milliseconds(latencies.percentile(0.99))) ms, \(Figure.mix(phase.tally.outcomes))"
            )
        }
        Terminal.say("\nThe books:")
        let adds = try await stage.verify()
        let last = phases.last?.tally ?? Tally()
        let share = Double(last.outcomes["201", default: 0]) / Double(max(1, last.requests))
        return stage.conclude(
            adds && share >= 0.95 && last.latencies.percentile(0.5) < .milliseconds(500),
            "slow is worse than dead: a dead instance says no at once, a slow one holds whoever asks. Deadlines bound "
                + "the wait, the retry goes elsewhere, and the breaker remembers so that the next one need not find out."
        )
    }
}
