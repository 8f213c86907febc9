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
            What is expected: each of its callers waits a few times, its breaker opens, and the others carry the \
            load: in the last 10 s the median is at most twice what it was (and 100 ms), and 95 of 100 are confirmed.

            """
        )
        let verdict = try await stage.whileBroken(undo: { await stage.admin.clear(slow) }) {
            _ = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            let well = stage.session.recorder.takeWindow()
            let rule: JSONValue = ["name": "fallacy-2", "latency_ms": 2500]
            try await stage.admin.add(rule, to: slow)
            try await EventLoop.sleep(for: .seconds(10))
            let first = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            let last = stage.session.recorder.takeWindow()
            return LatencyVerdict(
                well: well,
                first: first,
                last: last,
                held: try await stage.admin.fired("fallacy-2", at: [slow])
            )
        }
        Terminal.say(verdict.text(slow.name) + "\n\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            adds && verdict.holds,
            "slow is worse than dead: a dead instance says no at once, a slow one holds whoever asks. Deadlines bound "
                + "the wait, the retry goes elsewhere, and the breaker remembers so that the next one need not find out."
        )
    }
}

/// What one slow instance did to everybody.
struct LatencyVerdict: Sendable, Equatable {
    let well: Tally
    let first: Tally
    let last: Tally
    /// Requests that the slow one kept waiting.
    let held: Int

    /// Only who was asked can have been gone around.
    var holds: Bool {
        held > 0 && well.requests > 0 && last.isServed(likeThoseOf: well)
    }

    /// The figures.
    func text(_ slow: String) -> String {
        let lines = [
            well.line("undisturbed"), first.line("first 10 s"), last.line("last 10 s"),
        ]
        return (held > 0 ? lines : lines + ["  \(slow) was never asked"]).joined(separator: "\n")
    }
}
