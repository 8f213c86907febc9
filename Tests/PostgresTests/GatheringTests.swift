import Reactor
import Synchronization
import Testing

@testable import Postgres

@Suite struct GatheringTests {
    private static func onLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        try await Task(executorPreference: loop) { try await body() }.value
    }

    @Test
    func `who finds fewer than two groups under way goes at once, and the next ones together`() {
        var state = GatheringState<String>(groups: 2)
        let first = state.join("a")
        let second = state.join("b")
        #expect(first.signal == nil && second.signal == nil)
        let third = state.join("c")
        let fourth = state.join("d")
        #expect(third.signal == "c" && fourth.signal == "c")
        #expect(third.number == fourth.number)
        #expect(state.leave(first.number) == "c")
        // The group of two is one group: with the second that makes two, until both have come back.
        let fifth = state.join("e")
        #expect(fifth.signal == "e")
        #expect(state.leave(third.number) == nil)
        #expect(state.leave(third.number) == "e")
        #expect(state.leave(second.number) == nil)
        #expect(state.leave(fifth.number) == nil)
        let lone = state.join("f")
        #expect(lone.signal == nil)
    }

    @Test func `a group goes after long enough, once, and counts as under way`() {
        var state = GatheringState<String>(groups: 1)
        let first = state.join("a")
        let late = state.join("b")
        #expect(state.setOut(late.number) == "b")
        #expect(state.setOut(late.number) == nil)
        let next = state.join("c")
        #expect(next.signal == "c" && next.number != late.number)
        #expect(state.leave(first.number) == nil)
        #expect(state.leave(late.number) == "c")
    }

    @Test func `who gives up while the group waits is not waited for`() {
        var state = GatheringState<String>(groups: 1)
        let first = state.join("a")
        let patient = state.join("b")
        let hasty = state.join("c")
        #expect(state.leave(hasty.number) == nil)
        #expect(state.leave(first.number) == "b")
        let next = state.join("d")
        #expect(state.leave(next.number) == nil)
        #expect(state.leave(patient.number) == nil)
        let lone = state.join("e")
        #expect(lone.signal == nil)
    }

    @Test
    func `whatever happens in whatever order, nobody is forgotten and nobody waits for nothing`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var state = GatheringState<UInt64>(groups: 2)
            var waiting: [UInt64] = []
            var underWay: [UInt64] = []
            func went(_ signal: UInt64?) {
                guard signal != nil else { return }
                underWay += waiting
                waiting = []
            }
            for step in 0..<300 as Range<UInt64> {
                switch Int.random(in: 0..<(step < 200 ? 5 : 2), using: &random) {
                case 0:
                    guard let index = underWay.indices.randomElement(using: &random) else { break }
                    went(state.leave(underWay.remove(at: index)))
                case 1:
                    guard let number = waiting.first else { break }
                    let signal = state.setOut(number)
                    #expect(signal != nil)
                    went(signal)
                default:
                    let joined = state.join(step)
                    if joined.signal == nil {
                        underWay.append(joined.number)
                    } else {
                        waiting.append(joined.number)
                    }
                }
                #expect(Set(waiting).count <= 1)
                #expect(waiting.isEmpty || Set(underWay).count >= 2)
            }
            while let number = underWay.popLast() { went(state.leave(number)) }
            #expect(waiting.isEmpty)
        }
    }

    @Test func `a lone one goes at once, others when one comes back, or when patience ends`()
        async throws
    {
        try await Self.onLoop {
            let gathering = Gathering(patience: .seconds(60))
            let first = await gathering.join()
            let second = await gathering.join()
            #expect(first != second)
            let others = (0..<3).map { _ in
                Task(executorPreference: EventLoop.required) { await gathering.join() }
            }
            try await EventLoop.sleep(for: .milliseconds(20))
            gathering.leave(second)
            let group = await others[0].value
            #expect(group != first && group != second)
            for other in others { #expect(await other.value == group) }

            let hasty = Gathering(patience: .milliseconds(1))
            let groups = [await hasty.join(), await hasty.join(), await hasty.join()]
            #expect(Set(groups).count == 3)
        }
    }

    @Test func `a cancelled one waits for nobody, and takes nobody along`() async throws {
        try await Self.onLoop {
            let gathering = Gathering(patience: .seconds(60))
            let first = await gathering.join()
            _ = await gathering.join()
            let arrived = Mutex(false)
            let patient = Task(executorPreference: EventLoop.required) {
                let group = await gathering.join()
                arrived.withLock { $0 = true }
                return group
            }
            let hasty = Task(executorPreference: EventLoop.required) { await gathering.join() }
            try await EventLoop.sleep(for: .milliseconds(5))
            hasty.cancel()
            gathering.leave(await hasty.value)
            try await EventLoop.sleep(for: .milliseconds(5))
            #expect(!arrived.withLock { $0 })
            gathering.leave(first)
            _ = await patient.value
        }
    }
}
