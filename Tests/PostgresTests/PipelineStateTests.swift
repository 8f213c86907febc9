import Reactor
import Testing

@testable import Postgres

@Suite struct PipelineStateTests {
    private typealias State = PipelineState<String, Int>

    private func refusal(_ sqlState: String, endsSession: Bool = false) -> ServerError {
        ServerError(sqlState: sqlState, message: "no", endsSession: endsSession)
    }

    /// What an action tells a waiter, in a form that compares.
    private func told(_ action: State.Action) -> String {
        switch action {
        case .none: "-"
        case .finishOwn: "own"
        case .violation: "violation"
        case .finish(let waiter, .success(let outputs)): "\(waiter ?? "nobody") \(outputs)"
        case .finish(let waiter, .failure(let error)): "\(waiter ?? "nobody") \(error)"
        }
    }

    private func feed(_ state: inout State, _ events: State.Event...) -> [String] {
        events.map { told(state.received($0)) }.filter { $0 != "-" }
    }

    @Test func `answers go to the callers in the order of sending`() {
        var state = State()
        state.sent([.execute(1)], for: "a", until: .never, .commits)
        state.sent([.execute(1), .execute(2)], for: "b", until: .never, .commits)
        #expect(state.inFlight == 2)
        #expect(feed(&state, .output(1), .endOfCommand, .sync) == ["a [1]"])
        #expect(
            feed(&state, .output(2), .endOfCommand, .output(3), .endOfCommand, .sync) == [
                "b [2, 3]"
            ]
        )
        #expect(state.isIdle)
    }

    @Test func `an error skips to the end of its own segment`() {
        var state = State()
        state.sent([.execute(1), .execute(1), .execute(1)], for: "a", until: .never, .commits)
        state.sent([.execute(1)], for: "b", until: .never, .commits)
        let events = feed(
            &state,
            .output(1),
            .endOfCommand,
            .failed(refusal("40001")),
            .endOfCommand,
            .aborted,
            .endOfCommand,
            .sync,
            .output(2),
            .endOfCommand,
            .sync
        )
        #expect(events == ["a serialization", "b [2]"])
    }

    @Test func `an error at the commit itself fails a segment whose commands all succeeded`() {
        var state = State()
        state.sent([.execute(1)], for: "a", until: .never, .commits)
        let events = feed(
            &state,
            .output(1),
            .endOfCommand,
            .failed(refusal("40001")),
            .endOfCommand,
            .sync
        )
        #expect(events == ["a serialization"])
    }

    /// The server holds answers back until the synchronization point, so none of them is no sign that
    /// nothing was done.
    @Test func `a connection that breaks leaves open what was to be committed, and nothing else`() {
        let broken = ServerError(sqlState: "08006", message: "no", isMadeUp: true)
        var state = State()
        state.sent([.execute(1), .execute(1)], for: "a", until: .never, .commits)
        state.sent([.execute(1)], for: "b", until: .never, .commits)
        #expect(feed(&state, .failed(broken), .endOfCommand) == [])
        #expect(state.lost("gone").map(\.1) == [.outcomeUnknown, .outcomeUnknown])

        state = State()
        state.sent([.execute(1)], for: "a", until: .never, .rollsBack)
        #expect(feed(&state, .failed(broken), .endOfCommand) == [])
        #expect(state.lost("gone").map(\.1) == [.unavailable("no")])
    }

    @Test func `preparations are the connection's own and answer nobody`() {
        var state = State()
        let (id, isNew) = state.statement(for: "SELECT 1")
        #expect(isNew)
        #expect(state.statement(for: "SELECT 1") == (id, false))
        #expect(state.statement(for: "SELECT 1", types: [20]).isNew)
        state.sent([.prepare(id)], for: nil, until: .never, .rollsBack)
        state.sent([.execute(id)], for: "a", until: .never, .commits)
        let events = feed(
            &state,
            .output(0),
            .endOfCommand,
            .sync,
            .output(1),
            .endOfCommand,
            .sync
        )
        #expect(events == ["own", "a [1]"])
    }

    @Test func `everybody behind a refused preparation learns its reason`() {
        var state = State()
        let (id, _) = state.statement(for: "SELEKT")
        state.sent([.prepare(id)], for: nil, until: .never, .rollsBack)
        state.sent([.execute(id)], for: "a", until: .never, .commits)
        state.sent([.execute(id)], for: "b", until: .never, .commits)
        let syntax = refusal("42601")
        let unknown = refusal("26000")
        let events = feed(
            &state,
            .failed(syntax),
            .endOfCommand,
            .sync,
            .failed(unknown),
            .endOfCommand,
            .sync,
            .failed(unknown),
            .endOfCommand,
            .sync
        )
        #expect(events == ["own", "a \(syntax.meaning)", "b \(syntax.meaning)"])
        #expect(state.statement(for: "SELEKT").isNew)
    }

    @Test(arguments: ["26000", "0A000"])
    func `a statement the server no longer accepts is prepared again`(sqlState: String) {
        var state = State()
        let (id, _) = state.statement(for: "SELECT 1")
        state.sent([.execute(id)], for: "a", until: .never, .commits)
        _ = feed(&state, .failed(refusal(sqlState)), .endOfCommand, .sync)
        #expect(state.statement(for: "SELECT 1").isNew)
    }

    @Test func `an abandoned caller's answer is dropped and the next caller gets its own`() {
        var state = State()
        let first = state.sent([.execute(1)], for: "a", until: .never, .commits)
        let second = state.sent([.execute(1)], for: "b", until: .never, .commits)
        #expect(state.abandonedHead == nil)
        #expect(state.abandon(first) == "a")
        #expect(state.abandon(first) == nil)
        #expect(state.abandonedHead == first)
        let events = feed(
            &state,
            .output(1),
            .endOfCommand,
            .sync,
            .output(2),
            .endOfCommand,
            .sync
        )
        #expect(events == ["nobody [1]", "b [2]"])
        #expect(state.abandon(second) == nil)
        #expect(state.abandon(99) == nil)
    }

    @Test func `deadlines take out who waited too long`() {
        var state = State()
        state.sent([.execute(1)], for: "late", until: Deadline(nanoseconds: 10), .commits)
        state.sent([.execute(1)], for: "early", until: Deadline(nanoseconds: 5), .commits)
        #expect(state.earliestDeadline == Deadline(nanoseconds: 5))
        #expect(state.expire(at: Deadline(nanoseconds: 4)).isEmpty)
        #expect(state.expire(at: Deadline(nanoseconds: 5)) == ["early"])
        #expect(state.earliestDeadline == Deadline(nanoseconds: 10))
        #expect(state.expire(at: Deadline(nanoseconds: 50)) == ["late"])
        #expect(state.earliestDeadline == .never)
        #expect(state.inFlight == 2)
    }

    @Test func `a lost connection leaves commits unknown and open transactions undone`() {
        var state = State()
        state.sent([.execute(1)], for: "commit", until: .never, .commits)
        state.sent([.execute(1)], for: "inside", until: .never, .rollsBack)
        state.sent([.prepare(1)], for: nil, until: .never, .rollsBack)
        let told = state.lost("gone").map { "\($0.0) \($0.1)" }
        #expect(told == ["commit outcomeUnknown", "inside \(DatabaseError.unavailable("gone"))"])
        #expect(state.isIdle)
    }

    @Test func `a session that the server ends ran nothing of what was behind`() {
        var state = State()
        state.sent([.execute(1)], for: "a", until: .never, .commits)
        state.sent([.execute(1)], for: "b", until: .never, .commits)
        _ = feed(&state, .failed(refusal("57P01", endsSession: true)), .endOfCommand)
        let told = state.lost("gone").map { "\($0.0) \($0.1)" }
        #expect(
            told == [
                "a \(DatabaseError.unavailable("no"))", "b \(DatabaseError.unavailable("gone"))",
            ]
        )
    }

    @Test func `a session that ends at the commit leaves that commit unknown`() {
        var state = State()
        state.sent([.execute(1)], for: "a", until: .never, .commits)
        _ = feed(
            &state,
            .output(1),
            .endOfCommand,
            .failed(refusal("57P01", endsSession: true))
        )
        #expect(state.lost("gone").map(\.1) == [.outcomeUnknown])
    }

    @Test func `answers that nothing asked for are violations`() {
        var state = State()
        #expect(feed(&state, .sync) == ["violation"])
        #expect(feed(&state, .output(1)) == ["violation"])
        state.sent([.execute(1)], for: "a", until: .never, .commits)
        #expect(feed(&state, .endOfCommand) == ["violation"])
    }

    /// Any mix of segments, errors and desertions: each caller gets its own outputs, in order.
    @Test(arguments: 0..<50) func `no answer is ever mixed up`(seed: UInt64) {
        var random = SplitMix(state: seed)
        var state = State()
        var expected: [String] = []
        var heard: [String] = []
        var wire: [State.Event] = []
        for number in 0..<200 {
            let count = Int.random(in: 1...4, using: &random)
            let failing = Int.random(in: 0..<8, using: &random)
            let ticket = state.sent(
                Array(repeating: .execute(1), count: count),
                for: "\(number)",
                until: .never,
                .commits
            )
            for index in 0..<count {
                let event: State.Event =
                    index < failing
                    ? .output(number * 10 + index)
                    : index == failing ? .failed(refusal("40001")) : .aborted
                wire += [event, .endOfCommand]
            }
            wire.append(.sync)
            let outputs = (0..<count).map { number * 10 + $0 }
            let isAbandoned = Int.random(in: 0..<5, using: &random) == 0
            if isAbandoned { #expect(state.abandon(ticket) == "\(number)") }
            let waiter = isAbandoned ? "nobody" : "\(number)"
            expected.append(failing < count ? "\(waiter) serialization" : "\(waiter) \(outputs)")
            for _ in 0..<Int.random(in: 0...6, using: &random) where !wire.isEmpty {
                heard += feed(&state, wire.removeFirst())
            }
        }
        for event in wire { heard += feed(&state, event) }
        #expect(heard == expected)
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
