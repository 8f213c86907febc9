import Testing

@testable import Gateway

/// Servers on a virtual clock: eight workers, 10 ms of work, so 800 requests a second at most.
@Suite struct ConcurrencyLimitTests {
    private static let peak = 800.0

    private static func flow(
        _ priority: Priority,
        _ load: Double,
        upstream: Int = 0,
        lane: Int = 0
    ) -> OverloadSimulation.Flow {
        .init(priority: priority, upstream: upstream, lane: lane, seconds: 0.01) { _ in
            load * peak
        }
    }

    private static let exponential = Station(workers: 8, work: .exponential)

    @Test func `the numbers are those that resilience.md names`() {
        let policy = ConcurrencyLimit.Policy()
        #expect(policy.tolerance == 1.5 && policy.slack == .milliseconds(200))
        #expect(policy.shares == PerPriority(low: 0.8, normal: 0.9, high: 1))
        #expect(policy.initial == 128 && policy.range == 4...1000)
    }

    @Test(arguments: [
        ("even work", Station.Work.exponential, 0.9, 0.3),
        ("noise: every hundredth takes as long as a hundred", .heavy(sigma: 2), 0.9, 1.2),
    ])
    func `under three times the load nearly all that can be done is done, in time`(
        _ name: String,
        _ work: Station.Work,
        _ goodput: Double,
        _ bound: Double
    ) {
        let simulation = OverloadSimulation(
            Station(workers: 8, work: work),
            [Self.flow(.normal, 3)]
        )
        simulation.run(until: 60)
        let span = 2.0...60
        #expect(simulation.rate(0, span) >= goodput * Self.peak, "\(name)")
        #expect(simulation.latency(0, 0.99, span) <= bound, "\(name)")
        #expect(simulation.latency(0, 0.5, span) <= 0.15, "\(name)")
        #expect(simulation.highestLimit < 200, "\(name)")
        // Without a limit the last one to come would have waited for two minutes.
        #expect(simulation.refusals(0, span) > 50_000, "\(name)")
    }

    @Test func `work in batches is given enough to fill them`() {
        // 20 ms for each batch and 1 ms for each in it: 32 at once are 615 a second, 4 are 167.
        let flow = OverloadSimulation.Flow(priority: .normal, seconds: 0.001) { _ in 1850 }
        let simulation = OverloadSimulation(
            Station(workers: 1, work: .batches(of: 32, setup: 0.02)),
            [flow]
        )
        simulation.run(until: 60)
        #expect(simulation.rate(0, 5...60) >= 0.9 * 615)
        #expect(simulation.latency(0, 0.99, 5...60) <= 0.35)
    }

    @Test func `what matters is served first, and nothing is starved`() {
        let simulation = OverloadSimulation(
            Self.exponential,
            [
                Self.flow(.high, 0.5, lane: 0), Self.flow(.normal, 1, lane: 1),
                Self.flow(.low, 3, lane: 2),
            ]
        )
        simulation.run(until: 40)
        let span = 5.0...40
        let (high, normal, low) = (
            simulation.rate(0, span), simulation.rate(1, span), simulation.rate(2, span)
        )
        #expect(high + normal + low >= 0.9 * Self.peak)
        let refused = Double(simulation.refusals(0, span))
        #expect(refused <= 0.01 * high * 35, "checkouts refused: \(refused)")
        #expect(
            normal / Self.peak > low / (3 * Self.peak) * 1.5,
            "carts \(normal), browsing \(low)"
        )
        #expect(low > 0.02 * Self.peak, "browsing: \(low)")
    }

    @Test func `even when the highest priority alone is too much`() {
        let simulation = OverloadSimulation(
            Self.exponential,
            [Self.flow(.high, 3, lane: 0), Self.flow(.low, 1, lane: 1)]
        )
        simulation.run(until: 40)
        let (high, low) = (simulation.rate(0, 5...40), simulation.rate(1, 5...40))
        #expect(high + low >= 0.9 * Self.peak)
        #expect(high >= 0.8 * Self.peak)
        #expect(low > 0.01 * Self.peak)
    }

    @Test func `browsing yields to the checkout at another upstream of the same machine`() {
        let together = [
            Self.flow(.high, 0.6, upstream: 0), Self.flow(.low, 3, upstream: 1),
        ]
        let simulation = OverloadSimulation(Self.exponential, together)
        simulation.run(until: 60)
        let span = 10.0...60
        let high = simulation.rate(0, span)
        #expect(high >= 0.95 * 0.6 * Self.peak, "checkouts: \(high)")
        #expect(simulation.rate(1, span) > 0.1 * Self.peak)
        #expect(high + simulation.rate(1, span) >= 0.9 * Self.peak)
    }

    @Test func `nobody is refused while there is room, however unsteady the times`() {
        for work in [Station.Work.exponential, .heavy(sigma: 2)] {
            let simulation = OverloadSimulation(
                Station(workers: 8, work: work),
                [Self.flow(.low, 0.4)]
            )
            simulation.run(until: 120)
            let share =
                Double(simulation.refused[0].count) / Double(simulation.answered[0].count)
            #expect(share < 0.001, "\(work): \(simulation.refused[0].count)")
            #expect(simulation.limits[0].limit >= 25, "\(work): \(simulation.limits[0].limit)")
        }
    }

    @Test func `after the overload all is as before`() {
        var flow = Self.flow(.low, 0)
        flow.rate = { time in (10...40).contains(time) ? 3 * Self.peak : 0.4 * Self.peak }
        let simulation = OverloadSimulation(Self.exponential, [flow])
        simulation.run(until: 60)
        #expect(simulation.refusals(0, 0...10) == 0)
        #expect(simulation.refusals(0, 41...60) == 0)
        #expect(simulation.latency(0, 0.99, 41...60) <= 1.2 * simulation.latency(0, 0.99, 0...10))
    }

    @Test func `a machine that slows down gets less, and as much as before when it is back`() {
        var station = Self.exponential
        station.slowness = { time in (20...60).contains(time) ? 5 : 1 }
        let simulation = OverloadSimulation(station, [Self.flow(.normal, 1.5)])
        simulation.run(until: 90)
        #expect(simulation.rate(0, 30...60) >= 0.85 * Self.peak / 5)
        #expect(simulation.latency(0, 0.99, 30...60) <= 1.5)
        #expect(simulation.rate(0, 70...90) >= 0.9 * Self.peak)
        #expect(simulation.latency(0, 0.99, 70...90) <= 0.3)
    }

    @Test(arguments: Priority.allCases)
    func `who begins under load learns all the same how long calm requests take`(
        _ priority: Priority
    ) throws {
        var policy = ConcurrencyLimit.Policy.small
        policy.initial = 500
        let simulation = OverloadSimulation(
            Self.exponential,
            [Self.flow(priority, 3)],
            policy: policy
        )
        simulation.run(until: 40)
        let calm = try #require(simulation.limits[0].calmSeconds[0])
        #expect((0.004...0.02).contains(calm), "\(calm)")
        #expect(simulation.limits[0].limit < 150, "\(simulation.limits[0].limit)")
        #expect(simulation.latency(0, 0.99, 20...40) <= 0.3)
    }

    @Test func `a change of what is asked for is no change of load`() {
        // A tenth of the work each, then ten times as much: half of the machine both times.
        let quick = OverloadSimulation.Flow(priority: .low, lane: 0, seconds: 0.001) { time in
            time < 20 ? 4000 : 40
        }
        let slow = OverloadSimulation.Flow(priority: .low, lane: 1, seconds: 0.1) { time in
            time < 20 ? 0.4 : 40
        }
        let simulation = OverloadSimulation(Self.exponential, [quick, slow])
        simulation.run(until: 60)
        #expect(simulation.refused.map(\.count) == [0, 0])
    }

    @Test func `what began in calm and ended in a crowd does not count as calm`() throws {
        var limit = ConcurrencyLimit(policy: .small)
        func enter(_ milliseconds: Int) throws -> ConcurrencyLimit.Permit {
            let permit = limit.enter(.high, lane: 0, at: .milliseconds(milliseconds))
            return try #require(permit)
        }
        limit.leave(try enter(0), isSample: true, at: .milliseconds(10))
        let first = try enter(20)
        let others = try (0..<20).map { _ in try enter(21) }
        limit.leave(first, isSample: true, at: .milliseconds(1020))
        for other in others { limit.leave(other, isSample: false, at: .milliseconds(1020)) }
        let calm = try #require(limit.calmSeconds[0])
        #expect((0.0099...0.0101).contains(calm), "\(calm)")
    }

    @Test func `the limit does not grow while it is not used`() {
        var limit = ConcurrencyLimit()
        for number in 0..<10_000 {
            let now = Duration.milliseconds(number * 10)
            guard let permit = limit.enter(.normal, lane: 0, at: now) else {
                Issue.record("refused")
                return
            }
            limit.leave(permit, isSample: true, at: now + .milliseconds(1))
        }
        #expect(limit.limit == limit.policy.initial)
        #expect(limit.inFlight == PerPriority(0))
    }

    @Test func `what stays crowded is held back for half a second, every thirty`() {
        var limit = ConcurrencyLimit()
        var inFlight: [(permit: ConcurrencyLimit.Permit, end: Duration)] = []
        var (begins, ends): ([Duration], [Duration]) = ([], [])
        var mostHeldBack = 0
        // Eight every two milliseconds that take 300 each: always more than there is room for.
        for step in 0..<32_500 {
            let now = Duration.milliseconds(2 * step)
            let over = inFlight.prefix { $0.end <= now }
            for one in over { limit.leave(one.permit, isSample: true, at: now) }
            inFlight.removeFirst(over.count)
            let wasProbing = begins.count > ends.count
            for _ in 0..<8 {
                guard let permit = limit.enter(.normal, lane: 0, at: now) else { continue }
                inFlight.append((permit, now + .milliseconds(300)))
                if limit.isProbing {
                    mostHeldBack = max(mostHeldBack, limit.inFlight[.normal])
                }
            }
            if limit.isProbing, !wasProbing { begins.append(now) }
            if !limit.isProbing, wasProbing { ends.append(now) }
        }
        #expect(begins.count == 3 && ends.count == 3, "\(begins)")
        for (begin, end) in zip(begins, ends) { #expect(end - begin <= .milliseconds(502)) }
        for (end, next) in zip(ends, begins.dropFirst()) { #expect(next - end >= .seconds(30)) }
        #expect((1...100).contains(mostHeldBack), "\(mostHeldBack), a tenth of the limit at most")
    }

    @Test func `each priority stops at its share and has its floor`() {
        var limit = ConcurrencyLimit(policy: .small)
        func fill(_ priority: Priority) -> Int {
            var count = 0
            while limit.enter(priority, lane: 0, at: .zero) != nil { count += 1 }
            return count
        }
        let low = fill(.low)
        #expect(low == 26, "four fifths of 32, rounded up")
        let normal = fill(.normal)
        #expect(normal == 4, "a floor of its own, an eighth")
        let high = fill(.high)
        #expect(high == 2)
        let again = fill(.low)
        #expect(again == 0)
        #expect(limit.refused == PerPriority(low: 2, normal: 1, high: 1))
    }

    @Test func `a call that ended early says nothing and gives its place back`() throws {
        var limit = ConcurrencyLimit()
        let entered = limit.enter(.normal, lane: 0, at: .zero)
        let permit = try #require(entered)
        limit.leave(permit, isSample: false, at: .seconds(1))
        #expect(limit.inFlight == PerPriority(0))
        #expect(limit.calmSeconds.isEmpty)
    }
}

@Suite struct PrecedenceTests {
    @Test func `lower priorities yield while a higher one is refused, step by step`() {
        var precedence = Precedence()
        #expect(Priority.allCases.map { precedence.shares[$0] } == [1, 1, 1])
        for step in 0..<20 {
            precedence.refused(.high, at: .milliseconds(step * 100))
        }
        let shares = precedence.shares
        #expect(shares == PerPriority(low: 0.25, normal: 0.25, high: 1))
    }

    @Test func `nobody yields to those below`() {
        var precedence = Precedence()
        for step in 0..<20 { precedence.refused(.normal, at: .milliseconds(step * 100)) }
        #expect(precedence.shares == PerPriority(low: 0.25, normal: 1, high: 1))
    }

    @Test func `shares come back by and by`() {
        var precedence = Precedence()
        for step in 0..<20 { precedence.refused(.high, at: .milliseconds(step * 100)) }
        let soon = precedence.share(of: .low, at: .milliseconds(2_300))
        #expect(soon > 0.2 && soon < 0.5, "\(soon)")
        let later = precedence.share(of: .low, at: .seconds(10))
        #expect(later == 1)
    }
}
