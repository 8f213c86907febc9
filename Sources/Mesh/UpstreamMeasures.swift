internal import HTTP
internal import Telemetry

/// The numbers of one upstream: calls by outcome, retries, times, and each instance's state.
struct UpstreamMeasures: Sendable {
    let retries: Counter
    private let seconds: Histogram
    private let answered: Counter
    private let refused: Counter
    private let serverError: Counter
    private let unavailable: Counter
    private let unknown: Counter
    private let deadline: Counter
    private let overloaded: Counter

    init(_ name: String, _ metrics: Metrics) {
        retries = metrics.counter(
            "mesh_retries_total",
            "Tries after a call's first.",
            ["upstream": name]
        )
        seconds = metrics.histogram(
            "mesh_call_seconds",
            "Time a call took, all its tries together.",
            ["upstream": name]
        )
        let calls = metrics.counters(
            "mesh_calls_total",
            "Calls by outcome.",
            labels: ["upstream", "outcome"]
        )
        answered = calls.with(name, "answered")
        refused = calls.with(name, "client_error")
        serverError = calls.with(name, "server_error")
        unavailable = calls.with(name, "unavailable")
        unknown = calls.with(name, "unknown")
        deadline = calls.with(name, "deadline")
        overloaded = calls.with(name, "overloaded")
    }

    func count(_ outcome: CallOutcome, took: Duration) {
        seconds.observe(took)
        switch outcome.result {
        case .success(let response):
            switch response.status.code {
            case ..<400: answered.increment()
            case ..<500: refused.increment()
            default: serverError.increment()
            }
        case .failure(.unavailable): unavailable.increment()
        case .failure(.unknown): unknown.increment()
        case .failure(.deadline): deadline.increment()
        case .failure(.overloaded): overloaded.increment()
        }
    }

    /// Shows how full the bulkhead is whenever somebody reads the metrics.
    private func collectCalls(of upstream: Upstream, _ metrics: Metrics) {
        let readers: [(String, String, @Sendable (Upstream) -> Int)] = [
            ("mesh_calls_in_flight", "Calls in flight.", { $0.snapshot.inFlight }),
            ("mesh_calls_waiting", "Calls that wait for a place.", { $0.snapshot.waiting }),
            ("mesh_calls_limit", "Most calls in flight.", { $0.policy.maxInFlight }),
        ]
        for (name, help, read) in readers {
            metrics.collect(name, help, labels: ["upstream"]) { [weak upstream] in
                guard let upstream else { return [] }
                return [Sample([upstream.name], Double(read(upstream)))]
            }
        }
    }

    /// Shows each instance's state whenever somebody reads the metrics.
    func collect(from upstream: Upstream, _ metrics: Metrics) {
        collectCalls(of: upstream, metrics)
        let readers: [(String, String, MetricKind, @Sendable (UpstreamSnapshot.Instance) -> Int)] =
            [
                ("mesh_instance_in_flight", "Tries in flight.", .gauge, { $0.inFlight }),
                ("mesh_instance_tries_total", "Tries.", .counter, { $0.calls }),
                ("mesh_instance_failures_total", "Tries that failed.", .counter, { $0.failures }),
                (
                    "mesh_instance_out", "1 when health checks took it out.", .gauge,
                    { $0.isOut ? 1 : 0 }
                ),
                (
                    "mesh_instance_breaker", "0 closed, 1 half-open, 2 open.", .gauge,
                    { ["closed": 0, "half-open": 1, "open": 2][$0.breaker] ?? 0 }
                ),
            ]
        for (name, help, kind, read) in readers {
            metrics.collect(name, help, kind: kind, labels: ["upstream", "instance"]) {
                [weak upstream] in
                guard let snapshot = upstream?.snapshot else { return [] }
                return snapshot.instances.map {
                    Sample([snapshot.name, $0.address], Double(read($0)))
                }
            }
        }
    }
}
