import Testing

@testable import Postgres

@Suite struct BatchStateTests {
    private typealias State = BatchState<Int, String, Int>

    private enum Step: CaseIterable {
        case joinA, joinB, joinAny, load, finish, leave
    }

    /// What has happened to each ticket, beside the state under test.
    private struct Model {
        var state: State
        var joined: [UInt64: String?] = [:]
        var waiting: [UInt64] = []
        var loaded: [UInt64] = []
        var left: [UInt64] = []
        var isLoading = false

        init(limits: State.Limits) { state = State(limits: limits) }

        mutating func take(_ step: Step) {
            switch step {
            case .joinA: join("a")
            case .joinB: join("b")
            case .joinAny: join(nil)
            case .load: load()
            case .finish:
                guard isLoading else { return }
                state.finish()
                isLoading = false
            case .leave: leave()
            }
        }

        private mutating func join(_ key: String?) {
            let isFull = waiting.count == state.limits.queued
            let ticket = state.join(1, key: key, 1)
            #expect((ticket == nil) == isFull)
            guard let ticket else { return }
            #expect(joined[ticket] == nil, "a ticket is given once")
            joined[ticket] = .some(key)
            waiting.append(ticket)
        }

        private mutating func load() {
            let isDue = state.claim()
            #expect(isDue == (!isLoading && !waiting.isEmpty))
            guard isDue else { return }
            let isDueAgain = state.claim()
            #expect(!isDueAgain, "one batch at a time")
            let batch = state.load()
            // The oldest go first, but for those whose key is on board.
            var expected: [UInt64] = []
            var keys: Set<String> = []
            for ticket in waiting where expected.count < state.limits.items {
                guard let key = joined[ticket] ?? nil else {
                    expected.append(ticket)
                    continue
                }
                if keys.insert(key).inserted { expected.append(ticket) }
            }
            #expect(batch.map(\.ticket) == expected)
            waiting.removeAll { expected.contains($0) }
            loaded += expected
            isLoading = true
        }

        private mutating func leave() {
            guard let ticket = joined.keys.min(by: { $0 < $1 }) else { return }
            let wasWaiting = waiting.contains(ticket)
            let hasLeft = state.leave(ticket)
            #expect(hasLeft == wasWaiting)
            if wasWaiting {
                waiting.removeAll { $0 == ticket }
                left.append(ticket)
            }
        }

        func check() {
            #expect(state.waiting == waiting.count)
            #expect(state.isUnderWay == isLoading)
            #expect(Set(loaded).count == loaded.count, "nobody is loaded twice")
            #expect(Set(loaded).isDisjoint(with: left), "who left is not loaded")
            #expect(loaded.count + left.count + waiting.count == joined.count, "nobody is lost")
        }
    }

    @Test func `every sequence of six steps serves each caller once, in order, within bounds`() {
        func walk(_ model: Model, _ depth: Int) {
            model.check()
            guard depth > 0 else { return }
            for step in Step.allCases {
                var next = model
                next.take(step)
                walk(next, depth - 1)
            }
        }
        walk(Model(limits: .init(items: 2, queued: 3)), 6)
    }

    @Test func `a batch that all have left is none, and the next caller starts another`() {
        var state = State()
        let ticket = state.join(1, key: nil, 1)
        var isDue = state.claim()
        #expect(isDue)
        let hasLeft = ticket.map { state.leave($0) }
        #expect(hasLeft == true)
        var batch = state.load()
        #expect(batch.isEmpty)
        #expect(!state.isUnderWay)
        _ = state.join(2, key: nil, 2)
        isDue = state.claim()
        #expect(isDue)
        batch = state.load()
        #expect(batch.map(\.item) == [2])
    }
}
