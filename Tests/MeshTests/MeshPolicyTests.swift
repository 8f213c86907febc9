import Testing

@testable import Mesh

/// The numbers that docs/resilience.md tells are the ones that hold.
@Suite struct MeshPolicyTests {
    @Test func `the defaults are those of the design`() {
        let policy = MeshPolicy()
        #expect(policy.tryTimeout == .seconds(2) && policy.callTimeout == .seconds(5))
        #expect(policy.retries == 3 && policy.backoff.base == .milliseconds(25))
        #expect(policy.retryBudget.ratio == 0.2 && policy.retryBudget.minimum == 10)
        #expect(policy.retryBudget.window == .seconds(10))
        #expect(policy.breaker.failureRatio == 0.5 && policy.breaker.minimumCalls == 20)
        #expect(policy.breaker.window == .seconds(10) && policy.breaker.openTime == .seconds(30))
        #expect(policy.breaker.successesToClose == 3)
        #expect(policy.health.interval == .seconds(10) && policy.health.failuresToEject == 3)
        #expect(policy.health.successesToReturn == 1 && policy.health.connectFailuresToEject == 1)
        #expect(policy.slowStart.window == .seconds(10) && policy.slowStart.least == 0.1)
        #expect(policy.maxInFlight == 512 && policy.maxQueue == 512)
        #expect(policy.resolveInterval == .seconds(5))
        #expect(policy.balancing == .leastRequests)
    }
}
