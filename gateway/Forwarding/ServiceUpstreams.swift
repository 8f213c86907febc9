internal import HTTP
internal import Mesh
internal import ServiceKit
internal import Telemetry

/// Makes the upstreams of the routes file.
struct ServiceUpstreams: Sendable {
    /// The most event streams that one process of a service has open.
    private static let streamsPerInstance = 512

    private let boot: Boot
    private let policy: MeshPolicy
    private let client: HTTPClient

    /// - Parameter policy: what holds where the file says nothing else.
    init(_ boot: Boot, _ policy: MeshPolicy) {
        self.boot = boot
        self.policy = policy
        // A stream leaves the bulkhead with its head and keeps its connection. All of them may be at one
        // instance, and on one loop, and must leave room for the calls that the bulkhead lets in.
        var limits = ClientLimits()
        limits.connectionsPerEndpoint = policy.maxInFlight + Self.streamsPerInstance
        client = HTTPClient(limits: limits)
    }

    /// The same upstream for whoever follows what it tells, with breakers of its own that open for a
    /// second; its numbers are not shown beside those of the first.
    func follower(_ name: String, _ origin: RoutingPlan.Origin) -> Upstream {
        var policy = policy
        policy.breaker.openTime = .seconds(1)
        policy.breaker.successesToClose = 1
        return upstream(name, origin, policy, Metrics())
    }

    /// An upstream of the routes file.
    func upstream(_ name: String, _ origin: RoutingPlan.Origin) -> Upstream {
        upstream(name, origin, policy, boot.metrics)
    }

    private func upstream(
        _ name: String,
        _ origin: RoutingPlan.Origin,
        _ standard: MeshPolicy,
        _ metrics: Metrics
    ) -> Upstream {
        var policy = standard
        policy.healthPath = origin.health
        policy.balancing = origin.balancing
        return Upstream(
            name: name,
            endpoints: origin.endpoints,
            client: client,
            tls: origin.transport == .mutual ? boot.clientTLS : nil,
            policy: policy,
            faults: boot.faults,
            log: boot.log,
            metrics: metrics
        )
    }
}
