internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// How many gateways there are: each lets its share of every limit through.
///
/// They are found as instances of any upstream are, by a list or a DNS name that is resolved again,
/// and asked every second whether they live. One that died is out after two silent seconds; until
/// then the others let through less than they might, never more.
final class LiveGateways: Sendable {
    private let upstream: Upstream?
    private let number: Atomic<Int>

    /// This gateway alone.
    init() {
        upstream = nil
        number = Atomic(1)
    }

    /// Those at `endpoints`, this one among them.
    init(_ endpoints: Endpoints, client: HTTPClient, log: Logger, metrics: Metrics) {
        var policy = MeshPolicy()
        policy.healthPath = "/health/live"
        policy.health.interval = .seconds(1)
        policy.health.timeout = .seconds(1)
        policy.health.failuresToEject = 2
        policy.resolveInterval = .seconds(2)
        upstream = Upstream(
            name: "gateway",
            endpoints: endpoints,
            client: client,
            tls: nil,
            policy: policy,
            log: log,
            metrics: metrics
        )
        // All are taken to live until one is seen to be dead: that errs on the safe side.
        number = Atomic(endpoints.all.count)
    }

    /// At least 1.
    var count: Int { number.load(ordering: .relaxed) }

    /// Looks until the task is cancelled.
    func run() async {
        guard let upstream else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { await upstream.run() }
            while (try? await EventLoop.sleep(for: .milliseconds(250))) != nil {
                let instances = upstream.snapshot.instances
                guard !instances.isEmpty else { continue }
                number.store(max(1, instances.count { !$0.isOut }), ordering: .relaxed)
            }
        }
    }
}
