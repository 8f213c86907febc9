import Reactor
import Testing

@testable import Mesh

/// An upstream's state, the time it sees and the dice it throws.
private final class Bench {
    var state: UpstreamState
    var now: Duration = .seconds(100)
    var generator = SplitMix(seed: 3)

    init(ports: [UInt16], _ change: (inout MeshPolicy) -> Void = { _ in }) {
        var policy = MeshPolicy()
        change(&policy)
        state = UpstreamState(policy: policy)
        replace(ports)
    }

    func replace(_ ports: [UInt16]) {
        state.replace(with: ports.map { .loopback(port: $0) }, at: now)
    }

    func select(tried: [UInt16] = []) -> Result<UpstreamState.Choice, UpstreamState.Refusal> {
        state.select(tried: tried.map { .loopback(port: $0) }, at: now, using: &generator)
    }

    func port(tried: [UInt16] = []) throws -> UInt16 {
        let choice = try select(tried: tried).get()
        state.release(choice)
        return choice.address.port
    }

    @discardableResult
    func call(_ end: UpstreamState.TryEnd) throws -> [UpstreamState.Change] {
        let choice = try select().get()
        state.release(choice)
        return state.finish(choice, end, at: now)
    }

    func probe(_ port: UInt16, _ succeeded: Bool) -> [UpstreamState.Change] {
        state.probed(.loopback(port: port), succeeded: succeeded, at: now)
    }

    func due() -> [UInt16] { state.dueProbes(at: now).map(\.port) }
}

@Suite struct UpstreamStateTests {
    @Test func `a retry goes to another instance as long as there is one`() throws {
        let bench = Bench(ports: [1, 2, 3])
        for _ in 0..<50 {
            #expect(try bench.port(tried: [1, 3]) == 2)
            let any = try bench.port(tried: [1, 2, 3])
            #expect([1, 2, 3].contains(any), "better again than not at all")
        }
    }

    @Test func `no instance is not the same as no willing one`() throws {
        let none = Bench(ports: [])
        #expect(none.select() == .failure(.noInstances))
        let one = Bench(ports: [1]) { $0.breaker.minimumCalls = 1 }
        #expect(try one.call(.noAnswer) == [.opened])
        #expect(one.select() == .failure(.breakersOpen))
        #expect(one.select(tried: [1]) == .failure(.breakersOpen))
    }

    @Test func `an open breaker moves all calls to the others`() throws {
        let bench = Bench(ports: [1, 2]) { $0.breaker.minimumCalls = 1 }
        let choice = try bench.select().get()
        bench.state.release(choice)
        #expect(bench.state.finish(choice, .serverError, at: bench.now) == [.opened])
        let other: UInt16 = choice.address.port == 1 ? 2 : 1
        for _ in 0..<50 { #expect(try bench.port() == other) }
    }

    @Test func `a breaker tells when it half-opens and closes`() throws {
        let bench = Bench(ports: [1]) { $0.breaker.minimumCalls = 1 }
        #expect(try bench.call(.serverError) == [.opened])
        bench.now += .seconds(30)
        #expect(try bench.call(.answered) == [.halfOpened])
        #expect(try bench.call(.answered) == [])
        #expect(try bench.call(.answered) == [.closed])
    }

    @Test func `calls that cannot connect put an instance out, a probe brings it back`() throws {
        let bench = Bench(ports: [1])
        #expect(try bench.call(.connectFailed) == [.out])
        #expect(try bench.call(.connectFailed) == [], "used in a panic, out already")
        #expect(bench.probe(1, true) == [.back])
        #expect(bench.probe(1, true) == [])
    }

    @Test func `server errors, lost answers and departed callers say nothing about health`() throws
    {
        let bench = Bench(ports: [1])
        for end in [UpstreamState.TryEnd.serverError, .noAnswer, .cancelled] {
            for _ in 0..<3 { #expect(try bench.call(end) == []) }
        }
        #expect(!bench.state.instances[0].health.isOut)
        #expect(bench.state.instances[0].failures == 6)
    }

    @Test func `probes are due at once, then every ten seconds, when out every second`() throws {
        let bench = Bench(ports: [1, 2])
        #expect(bench.due() == [1, 2])
        bench.now += .milliseconds(9999)
        #expect(bench.due() == [])
        bench.now += .milliseconds(1)
        #expect(bench.due() == [1, 2])
        for _ in 0..<3 { _ = bench.probe(1, false) }
        bench.now += .seconds(1)
        #expect(bench.due() == [1])
        bench.now += .seconds(1)
        #expect(bench.due() == [1])
    }

    @Test func `instances come and go; what stays keeps its history`() throws {
        let bench = Bench(ports: [1, 2])
        _ = try bench.call(.answered)
        let calls = bench.state.instances.map(\.calls)
        bench.replace([2, 3, 3])
        #expect(bench.state.instances.map(\.address.port) == [2, 3])
        #expect(bench.state.instances.map(\.calls) == [calls[1], 0])
    }

    @Test func `a call that ends after its instance left changes nothing`() throws {
        let bench = Bench(ports: [1])
        let choice = try bench.select().get()
        bench.replace([2])
        bench.replace([1])
        bench.state.release(choice)
        #expect(bench.state.finish(choice, .connectFailed, at: bench.now) == [])
        #expect(bench.state.instances[0].inFlight == 0)
        #expect(!bench.state.instances[0].health.isOut, "the same address, another instance")
        #expect(bench.probe(7, true) == [])
    }

    @Test func `what is in flight is counted and decides`() throws {
        let bench = Bench(ports: [1, 2])
        var held: [UpstreamState.Choice] = []
        for _ in 0..<10 { held.append(try bench.select().get()) }
        #expect(bench.state.instances.map(\.inFlight) == [5, 5])
        for choice in held where choice.address.port == 1 { bench.state.release(choice) }
        for _ in 0..<5 { #expect(try bench.port() == 1) }
    }

    @Test func `a name with too many addresses is cut`() {
        let bench = Bench(ports: Array(1...50)) { $0.maxInstances = 10 }
        #expect(bench.state.instances.count == 10)
    }
}
