package import HTTP
package import Telemetry

/// Counts and times requests by route, and logs them at level debug.
package struct RequestObserver: Sendable {
    private let requests: Family<Counter>
    private let durations: Family<Histogram>
    private let log: Logger

    /// Registers the metrics; lines go to `log`.
    package init(log: Logger, metrics: Metrics) {
        self.log = log
        requests = metrics.counters(
            "http_requests_total",
            "Requests answered, by route and status.",
            labels: ["route", "status"],
            limit: 500
        )
        durations = metrics.histograms(
            "http_request_seconds",
            "Time from the complete request head to the complete answer.",
            labels: ["route"]
        )
    }

    /// Takes one exchange into account.
    package func observe(_ exchange: Exchange) {
        let route = exchange.route ?? "none"
        requests.with(route, String(exchange.status.code)).increment()
        durations.with(route).observe(exchange.duration)
        log.debug(
            "request",
            [
                "route": .string(route), "status": .int(exchange.status.code),
                "bytes": .int(exchange.contentBytes),
                "us": .int(Int(exchange.duration / .microseconds(1))),
            ]
        )
    }
}
