import Reactor
import Testing

@testable import Mesh

/// Which instances an upstream's state warms up, by the calls that each of two gets when both are idle.
@Suite struct WarmingTests {
    private final class Bench {
        var state: UpstreamState
        var now: Duration = .seconds(100)
        var generator = SplitMix(seed: 11)

        init(_ ports: [UInt16], _ change: (inout MeshPolicy) -> Void = { _ in }) {
            var policy = MeshPolicy()
            change(&policy)
            state = UpstreamState(policy: policy)
            replace(ports)
        }

        func replace(_ ports: [UInt16]) {
            state.replace(with: ports.map { .loopback(port: $0) }, at: now)
        }

        /// How many of a hundred calls an instance gets.
        func share(of port: UInt16, target: String = "") throws -> Int {
            var calls = 0
            for _ in 0..<1000 {
                let choice = try state.select(
                    tried: [],
                    key: target,
                    at: now,
                    using: &generator
                ).get()
                state.release(choice)
                _ = state.finish(choice, .answered, at: now)
                if choice.address.port == port { calls += 1 }
            }
            return calls / 10
        }

        func call(_ port: UInt16, _ end: UpstreamState.TryEnd) throws {
            let others = state.instances.map(\.address).filter { $0.port != port }
            let choice = try state.select(tried: others, at: now, using: &generator).get()
            #expect(choice.address.port == port)
            state.release(choice)
            _ = state.finish(choice, end, at: now)
        }
    }

    @Test func `the first instances begin at once`() throws {
        #expect((40...60).contains(try Bench([1, 2]).share(of: 2)))
    }

    @Test func `one that joins comes to its share in ten seconds`() throws {
        let bench = Bench([1])
        bench.now += .seconds(1)
        bench.replace([1, 2])
        #expect((2...9).contains(try bench.share(of: 2)))
        bench.now += .seconds(5)
        #expect((18...32).contains(try bench.share(of: 2)))
        bench.now += .seconds(5)
        #expect((40...60).contains(try bench.share(of: 2)))
    }

    @Test func `one that comes back warms up again`() throws {
        let bench = Bench([1, 2])
        for _ in 0..<3 {
            _ = bench.state.probed(.loopback(port: 2), succeeded: false, at: bench.now)
        }
        #expect(try bench.share(of: 2) == 0)
        _ = bench.state.probed(.loopback(port: 2), succeeded: true, at: bench.now)
        #expect((2...9).contains(try bench.share(of: 2)))
    }

    @Test func `one whose breaker closes warms up again`() throws {
        let bench = Bench([1, 2]) { $0.breaker.minimumCalls = 1 }
        try bench.call(2, .serverError)
        #expect(try bench.share(of: 2) == 0)
        bench.now += .seconds(30)
        for _ in 0..<3 { try bench.call(2, .answered) }
        #expect((2...9).contains(try bench.share(of: 2)))
    }

    @Test func `on a ring a target stays where it is while others join`() throws {
        let bench = Bench([1, 2, 3]) { $0.balancing = .ring }
        let owner = try #require(
            try [1, 2, 3].first { try bench.share(of: $0, target: "/products/7") == 100 }
        )
        bench.replace([4, 3, 2, 1])
        #expect(try bench.share(of: owner, target: "/products/7") == 100)
        bench.replace([1, 2, 3].filter { $0 != owner })
        let next = try #require(
            try [1, 2, 3].first { try bench.share(of: $0, target: "/products/7") == 100 }
        )
        #expect(next != owner)
    }
}
