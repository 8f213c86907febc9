internal import Contracts
internal import HTTP
internal import Mesh
internal import Reactor
internal import ServiceKit
internal import Telemetry

/// Makes the upstreams of the routes file.
struct ServiceUpstreams: Sendable {
    private let policy: MeshPolicy
    private let client: HTTPClient
    private let tls: TLSContext?
    private let faults: FaultInjector?
    private let log: Logger
    private let metrics: Metrics

    /// - Parameter policy: what holds where the file says nothing else.
    init(_ boot: Boot, _ policy: MeshPolicy) {
        self.init(
            policy,
            tls: boot.clientTLS,
            faults: boot.faults,
            log: boot.log,
            metrics: boot.metrics
        )
    }

    /// - Parameters:
    ///   - streams: the most event streams that one instance has open.
    ///   - tls: the gateway's own certificate, for upstreams that want one.
    init(
        _ policy: MeshPolicy,
        streams: Int = EventStreamLimit.perProcess,
        tls: TLSContext? = nil,
        faults: FaultInjector? = nil,
        log: Logger,
        metrics: Metrics
    ) {
        self.policy = policy
        self.tls = tls
        self.faults = faults
        self.log = log
        self.metrics = metrics
        // A stream leaves the bulkhead with its head and keeps its connection. All of them may be at one
        // instance, and on one loop, and must leave room for the calls that the bulkhead lets in.
        var limits = ClientLimits()
        limits.connectionsPerEndpoint = policy.maxInFlight + streams
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
        upstream(name, origin, policy, metrics)
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
            tls: origin.transport == .mutual ? tls : nil,
            policy: policy,
            faults: faults,
            log: log,
            metrics: metrics
        )
    }
}
