import HTTP
import Testing

@testable import Mesh

/// What rules make of requests: decided without a clock, a network or chance.
@Suite struct FaultPlanTests {
    private static let pay = FaultPlan.Facts(
        .incoming,
        .put,
        path: ["payments", "7"],
        peer: "order"
    )
    private static let start = Duration.seconds(100)

    private func plan(_ rules: FaultRule..., seed: UInt64 = 1) -> FaultPlan {
        var plan = FaultPlan(seed: seed)
        for rule in rules { #expect(plan.add(rule, at: Self.start) == true) }
        return plan
    }

    private func decide(
        _ plan: inout FaultPlan,
        _ facts: FaultPlan.Facts = pay,
        at now: Duration = start
    ) -> FaultActions { plan.decide(facts, at: now) }

    @Test func `without rules nothing is done`() {
        var plan = plan()
        #expect(decide(&plan).isNothing)
    }

    @Test(arguments: [
        (FaultRule.Action.error(Status(503)), FaultActions.Fate.answer(Status(503))),
        (.reset, .reset), (.dropRequest, .drop),
    ])
    func `what ends a request takes the place of its answer`(
        action: FaultRule.Action,
        fate: FaultActions.Fate
    ) {
        var plan = plan(FaultRule("a", action))
        var expected = FaultActions()
        expected.fate = fate
        #expect(decide(&plan) == expected)
    }

    @Test func `rules add up: waits in sum, the slowest pace, each thing once`() {
        var plan = plan(
            FaultRule("a", .latency(.fixed(.milliseconds(100))), .duplicate),
            FaultRule("b", .latency(.fixed(.milliseconds(20))), .slowBody(bytesPerSecond: 50)),
            FaultRule("c", .slowBody(bytesPerSecond: 500), .dropReply)
        )
        var expected = FaultActions()
        (expected.delay, expected.duplicates, expected.dropsReply) = (
            .milliseconds(120), true, true
        )
        expected.bytesPerSecond = 50
        #expect(decide(&plan) == expected)
        #expect(plan.entries.map(\.fired) == [1, 1, 1])
    }

    @Test func `the first end counts, and what needs an answer does not come about`() {
        var plan = plan(
            FaultRule("reply", .dropReply),
            FaultRule("wait", .latency(.fixed(.milliseconds(5)))),
            FaultRule("first", .reset),
            FaultRule("second", .error(Status(500)))
        )
        let actions = decide(&plan)
        #expect(actions.fate == .reset && !actions.dropsReply && actions.delay == .milliseconds(5))
        #expect(plan.entries.map(\.fired) == [0, 1, 1, 0])
        #expect(plan.entries.map(\.seen) == [1, 1, 1, 1])
    }

    @Test func `a rule is for its side, its route, its method and its peer`() throws {
        var rule = FaultRule("a", .reset)
        rule.route = try FaultRoute("PUT /payments/{order_id}")
        rule.peer = "order"
        var plan = plan(rule)
        func fate(
            _ side: FaultRule.Side,
            _ method: Method,
            _ path: [String],
            _ peer: String?
        ) -> FaultActions.Fate {
            plan.decide(.init(side, method, path: path, peer: peer), at: Self.start).fate
        }
        #expect(fate(.incoming, .put, ["payments", "7"], "order") == .reset)
        #expect(fate(.outgoing, .put, ["payments", "7"], "order") == .proceed)
        #expect(fate(.incoming, .delete, ["payments", "7"], "order") == .proceed)
        #expect(fate(.incoming, .put, ["payments"], "order") == .proceed)
        #expect(fate(.incoming, .put, ["payments", "7"], "gateway") == .proceed)
        #expect(fate(.incoming, .put, ["payments", "7"], nil) == .proceed)
        #expect(plan.entries.map(\.seen) == [1])
    }

    @Test func `health checks are spared unless they are meant`() throws {
        let health = FaultPlan.Facts(.incoming, .get, path: ["health", "ready"], peer: nil)
        var all = plan(FaultRule("a", .reset))
        #expect(decide(&all, health).isNothing)
        var rule = FaultRule("b", .reset)
        rule.route = try FaultRoute("/health/ready")
        var meant = plan(rule)
        #expect(decide(&meant, health).fate == .reset)
    }

    @Test func `the first are let through, and after so many it is over`() {
        var rule = FaultRule("a", .reset)
        (rule.skip, rule.count) = (2, 3)
        var plan = plan(rule)
        let fates = (0..<8).map { _ in decide(&plan).fate == .reset }
        #expect(fates == [false, false, true, true, true, false, false, false])
        #expect(plan.entries.map(\.seen) == [5] && plan.entries.map(\.fired) == [3])
    }

    @Test func `a rule ends with its time`() {
        var rule = FaultRule("a", .reset)
        rule.duration = .seconds(30)
        var plan = plan(rule)
        #expect(decide(&plan, at: Self.start + .milliseconds(29_999)).fate == .reset)
        #expect(plan.entries[0].remaining(at: Self.start + .seconds(20)) == .seconds(10))
        #expect(decide(&plan, at: Self.start + .seconds(30)).fate == .proceed)
        #expect(!plan.entries[0].isActive(at: Self.start + .seconds(30)))
        #expect(plan.entries[0].remaining(at: Self.start + .seconds(40)) == .zero)
    }

    @Test func `about as many are hit as in a hundred shall be`() {
        var rule = FaultRule("a", .reset)
        rule.percent = 25
        var plan = plan(rule)
        let hits = (0..<10_000).count { _ in decide(&plan).fate == .reset }
        #expect((2300...2700).contains(hits))
    }

    @Test func `the same seed hits the same requests, another seed others`() {
        var rule = FaultRule("a", .reset)
        rule.percent = 50
        func pattern(_ plan: FaultPlan) -> [Bool] {
            var plan = plan
            return (0..<64).map { _ in decide(&plan).fate == .reset }
        }
        #expect(pattern(plan(rule, seed: 7)) == pattern(plan(rule, seed: 7)))
        #expect(pattern(plan(rule, seed: 7)) != pattern(plan(rule, seed: 8)))
        // Neither other rules nor requests that do not fit change what a rule draws.
        var noise = FaultRule("b", .latency(.exponential(mean: .milliseconds(5))))
        noise.percent = 30
        #expect(pattern(plan(noise, rule, seed: 7)) == pattern(plan(rule, seed: 7)))
        var renamed = rule
        renamed.name = "c"
        #expect(pattern(plan(renamed, seed: 7)) != pattern(plan(rule, seed: 7)))
    }

    @Test func `a rule of the same name takes the other's place and counts anew`() {
        var plan = plan(FaultRule("a", .reset), FaultRule("b", .duplicate))
        _ = decide(&plan)
        #expect(plan.add(FaultRule("a", .error(Status(500))), at: Self.start) == true)
        #expect(plan.entries.map(\.rule.name) == ["a", "b"] && plan.entries[0].fired == 0)
        #expect(decide(&plan).fate == .answer(Status(500)))
        #expect(plan.remove("a") == true)
        #expect(plan.remove("a") == false)
        #expect(decide(&plan).fate == .proceed)
    }

    @Test func `rules are bounded, and those that are over make room`() {
        var plan = FaultPlan()
        for number in 0..<FaultPlan.limit {
            var rule = FaultRule("r\(number)", .dropReply)
            if number == 3 { rule.duration = .seconds(1) }
            #expect(plan.add(rule, at: Self.start) == true)
        }
        #expect(plan.add(FaultRule("more", .reset), at: Self.start) == false)
        #expect(plan.add(FaultRule("more", .reset), at: Self.start + .seconds(2)) == true)
        #expect(plan.entries.count == FaultPlan.limit)
        #expect(!plan.entries.contains { $0.rule.name == "r3" })
    }

    @Test func `the clock is off by all rules together, until the first of them ends`() {
        var first = FaultRule("a", .clockOffset(.seconds(-60)))
        first.duration = .seconds(10)
        var plan = plan(first, FaultRule("b", .clockOffset(.seconds(5))))
        #expect(decide(&plan).isNothing)
        #expect(plan.entries.map(\.seen) == [0, 0])
        let now = plan.clockOffset(at: Self.start)
        #expect(now.by == .seconds(-55) && now.until == Self.start + .seconds(10))
        let later = plan.clockOffset(at: Self.start + .seconds(10))
        #expect(later.by == .seconds(5) && later.until == nil)
    }

    @Test func `waits have the distribution that was asked for`() {
        func samples(_ latency: FaultLatency) -> [Double] {
            var generator = SplitMix64(seed: 42)
            return (0..<20_000).map { _ in latency.sample(using: &generator).milliseconds }.sorted()
        }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let fixed = samples(.fixed(.milliseconds(7)))
        #expect(fixed.first == 7 && fixed.last == 7)
        let uniform = samples(.uniform(.milliseconds(50), .milliseconds(150)))
        #expect(uniform.allSatisfy { (50...150).contains($0) } && abs(mean(uniform) - 100) < 2)
        let normal = samples(.normal(mean: .milliseconds(100), deviation: .milliseconds(10)))
        #expect(abs(mean(normal) - 100) < 1)
        let within = normal.count { (90...110).contains($0) }
        #expect((13_200...14_100).contains(within), "68% lie within one deviation")
        let exponential = samples(.exponential(mean: .milliseconds(100)))
        #expect(abs(mean(exponential) - 100) < 4 && abs(exponential[10_000] - 69.3) < 3)
        let pareto = samples(.pareto(least: .milliseconds(20), shape: 2))
        #expect((pareto.first ?? 0) >= 19.9 && abs(pareto[10_000] - 28.3) < 1)
        let heavy = samples(.pareto(least: .seconds(50), shape: 0.1))
        #expect(heavy.last == FaultLatency.most.milliseconds)
        let low = samples(.normal(mean: .milliseconds(1), deviation: .seconds(1)))
        #expect(low.first == 0)
    }
}
