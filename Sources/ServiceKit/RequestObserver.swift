package import HTTP
internal import Synchronization
package import Telemetry

/// Counts and times requests by method and route, and logs them at level debug.
package struct RequestObserver: Sendable {
    private let requests: Family<Counter>
    private let durations: Family<Histogram>
    private let log: Logger
    private let handles = Handles()

    /// The metrics of a route and a status, looked up once for each pair, of which there are few:
    /// templates of routes come from the code.
    private final class Handles: Sendable {
        struct Key: Hashable {
            let method: Method?
            let route: String
            let status: Int

            /// A place among `recent`, for less than hashing the texts costs.
            var place: Int { (route.utf8.count &* 7 &+ status) & 63 }
        }

        struct Known {
            var all: [Key: (Counter, Histogram)] = [:]
            /// What was asked for last, each at its key's place: comparing a template with itself
            /// is comparing two addresses.
            var recent = [(key: Key, handles: (Counter, Histogram))?](repeating: nil, count: 64)
        }

        let known = Mutex(Known())
    }

    /// Registers the metrics; lines go to `log`.
    package init(log: Logger, metrics: Metrics) {
        self.log = log
        requests = metrics.counters(
            "http_requests_total",
            "Requests answered, by method, route and status.",
            labels: ["method", "route", "status"],
            limit: 500
        )
        durations = metrics.histograms(
            "http_request_seconds",
            "Time from the complete request head to the complete answer.",
            labels: ["method", "route"]
        )
    }

    /// Takes one exchange into account.
    package func observe(_ exchange: Exchange) {
        let route = exchange.route ?? "none"
        let (requests, durations) = handles(
            Handles.Key(
                method: exchange.route == nil ? nil : exchange.request?.method,
                route: route,
                status: exchange.status.code
            )
        )
        requests.increment()
        durations.observe(Double(exchange.nanoseconds) / 1e9)
        guard log.level <= .debug else { return }
        // The request's own context has ended; its line belongs to the caller's trace all the same.
        TraceContext.$current.withValue(Self.trace(of: exchange)) {
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

    private static func trace(of exchange: Exchange) -> TraceContext? {
        exchange.request?.headers[.traceparent].flatMap(TraceContext.init(traceparent:))
    }

    private func handles(_ key: Handles.Key) -> (Counter, Histogram) {
        handles.known.withLock { known in
            if let recent = known.recent[key.place], recent.key == key { return recent.handles }
            let found = known.all[key] ?? make(key)
            known.all[key] = found
            known.recent[key.place] = (key, found)
            return found
        }
    }

    /// What no route answered may have any method, so those count together.
    private func make(_ key: Handles.Key) -> (Counter, Histogram) {
        let method = key.method?.description ?? "any"
        return (
            requests.with(method, key.route, String(key.status)), durations.with(method, key.route)
        )
    }
}
