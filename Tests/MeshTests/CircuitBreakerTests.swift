import Testing

@testable import Mesh

/// A breaker and the time it sees.
private final class Bench {
    var breaker = CircuitBreaker()
    var now: Duration = .seconds(1000)

    /// One call from start to end; `false` when the breaker refused it.
    @discardableResult
    func call(_ outcome: CircuitBreaker.Outcome) -> Bool {
        guard let permit = breaker.permit(at: now) else { return false }
        breaker.record(outcome, of: permit, at: now)
        return true
    }

    func calls(_ outcome: CircuitBreaker.Outcome, _ count: Int) {
        for _ in 0..<count { call(outcome) }
    }

    func open() {
        calls(.failure, 20)
        #expect(breaker.state(at: now) == .open(until: now + .seconds(30)))
    }

    func permit() -> CircuitBreaker.Permit? { breaker.permit(at: now) }

    @discardableResult
    func record(
        _ outcome: CircuitBreaker.Outcome,
        _ permit: CircuitBreaker.Permit
    ) -> CircuitBreaker.State? {
        breaker.record(outcome, of: permit, at: now)
    }

    var state: CircuitBreaker.State { breaker.state(at: now) }
}

@Suite struct CircuitBreakerTests {
    @Test func `nineteen failures do not open it, the twentieth does`() {
        let bench = Bench()
        bench.calls(.failure, 19)
        #expect(bench.state == .closed)
        bench.call(.failure)
        #expect(bench.state == .open(until: .seconds(1030)))
    }

    @Test func `half of the calls failing opens it, less does not`() {
        let below = Bench()
        below.calls(.success, 101)
        below.calls(.failure, 100)
        #expect(below.state == .closed)
        below.call(.failure)
        #expect(below.state != .closed, "101 of 202")
    }

    @Test func `a success never opens it, even when the ratio is reached by the count`() {
        let bench = Bench()
        bench.calls(.failure, 19)
        bench.call(.success)
        #expect(bench.state == .closed)
        bench.call(.failure)
        #expect(bench.state != .closed)
    }

    @Test func `failures older than the window are forgotten`() {
        let bench = Bench()
        bench.calls(.failure, 19)
        bench.now += .seconds(10)
        bench.calls(.failure, 19)
        #expect(bench.state == .closed)
    }

    @Test func `failures within the window count together`() {
        let bench = Bench()
        bench.calls(.failure, 10)
        bench.now += .milliseconds(8900)
        bench.calls(.failure, 9)
        #expect(bench.state == .closed)
        bench.call(.failure)
        #expect(bench.state != .closed)
    }

    @Test func `cancelled calls are not judged`() {
        let bench = Bench()
        bench.calls(.failure, 19)
        bench.calls(.cancelled, 100)
        #expect(bench.state == .closed)
    }

    @Test func `no call passes for thirty seconds, then one probe`() throws {
        let bench = Bench()
        bench.open()
        for _ in 0..<30 {
            #expect(!bench.call(.success))
            bench.now += .seconds(1)
        }
        bench.now -= .nanoseconds(1)
        #expect(bench.permit() == nil)
        bench.now += .nanoseconds(1)
        #expect(bench.state == .halfOpen(isProbing: false, successes: 0))
        let probe = try #require(bench.permit())
        #expect(probe.isProbe)
        #expect(bench.state == .halfOpen(isProbing: true, successes: 0))
        for _ in 0..<100 { #expect(bench.permit() == nil) }
    }

    @Test func `three successful probes in a row close it with a clean window`() {
        let bench = Bench()
        bench.open()
        bench.now += .seconds(30)
        bench.call(.success)
        #expect(bench.state == .halfOpen(isProbing: false, successes: 1))
        bench.call(.success)
        #expect(bench.state == .halfOpen(isProbing: false, successes: 2))
        bench.call(.success)
        #expect(bench.state == .closed)
        bench.calls(.failure, 19)
        #expect(bench.state == .closed)
    }

    @Test func `a failed probe opens it for another thirty seconds`() {
        let bench = Bench()
        bench.open()
        bench.now += .seconds(31)
        bench.call(.success)
        bench.call(.failure)
        #expect(bench.state == .open(until: bench.now + .seconds(30)))
        #expect(!bench.call(.success))
        bench.now += .seconds(30)
        bench.calls(.success, 2)
        #expect(bench.state == .halfOpen(isProbing: false, successes: 2), "it counts from zero")
    }

    @Test func `a cancelled probe gives its permit to the next call`() throws {
        let bench = Bench()
        bench.open()
        bench.now += .seconds(30)
        bench.call(.success)
        let probe = try #require(bench.permit())
        #expect(bench.permit() == nil)
        bench.record(.cancelled, probe)
        #expect(bench.state == .halfOpen(isProbing: false, successes: 1))
        bench.calls(.success, 2)
        #expect(bench.state == .closed)
    }

    @Test(arguments: [CircuitBreaker.Outcome.success, .failure, .cancelled])
    func `stragglers from before it opened change nothing`(
        _ outcome: CircuitBreaker.Outcome
    ) throws {
        let bench = Bench()
        let straggler = try #require(bench.permit())
        let another = try #require(bench.permit())
        let third = try #require(bench.permit())
        bench.open()
        let open = bench.state
        #expect(bench.record(outcome, straggler) == nil)
        #expect(bench.state == open)

        bench.now += .seconds(30)
        let probe = try #require(bench.permit())
        bench.record(outcome, another)
        #expect(bench.state == .halfOpen(isProbing: true, successes: 0))
        bench.record(.success, probe)
        bench.calls(.success, 2)
        bench.calls(.failure, 18)
        bench.record(outcome, third)
        let last = try #require(bench.permit())
        #expect(bench.record(.failure, last) == nil)
        #expect(bench.state == .closed, "nineteen of this life")
    }

    @Test func `changes of state are reported once`() throws {
        let bench = Bench()
        bench.calls(.failure, 19)
        let permits = try (0..<2).map { _ in try #require(bench.permit()) }
        let opened = bench.record(.failure, permits[0])
        #expect(opened == .open(until: bench.now + .seconds(30)))
        #expect(bench.record(.failure, permits[1]) == nil)
    }

    /// Drives random calls against a simple model that keeps every event.
    @Test(arguments: 1...20) func `random histories agree with a model`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let bench = Bench()
        var failed: [Duration] = []
        var succeeded: [Duration] = []
        for _ in 0..<600 {
            bench.now += .milliseconds(Int.random(in: 0...300, using: &generator))
            guard bench.state == .closed else {
                if case .open = bench.state {
                    #expect(!bench.call(.success))
                } else {
                    bench.calls(.success, 3)
                    #expect(bench.state == .closed)
                    failed = []
                    succeeded = []
                }
                continue
            }
            let fails = Int.random(in: 0..<100, using: &generator) < 48
            if fails { failed.append(bench.now) } else { succeeded.append(bench.now) }
            bench.call(fails ? .failure : .success)
            // The window forgets in steps of a second: certain beyond 10 s and within 9 s.
            let long = (
                failed.count { bench.now - $0 < .seconds(10) },
                succeeded.count { bench.now - $0 < .seconds(10) }
            )
            if bench.state != .closed {
                #expect(fails)
                #expect(long.0 + long.1 >= 20)
            }
            if long.0 + long.1 < 20 { #expect(bench.state == .closed) }
        }
    }
}

/// A small seeded generator, so that random tests repeat.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
