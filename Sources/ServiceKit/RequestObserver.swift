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
            /// One of ``methods``, by its number: comparing methods costs more.
            let method: Int
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
                method: exchange.route == nil ? Self.others : Self.number(exchange),
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

    private func make(_ key: Handles.Key) -> (Counter, Histogram) {
        let method = Self.methods[key.method]
        return (
            requests.with(method, key.route, String(key.status)), durations.with(method, key.route)
        )
    }

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "any",
    ]
    /// What no route answered may have any method, so those count together.
    private static let others = methods.count - 1

    /// The place of the request's method among ``methods``.
    private static func number(_ exchange: Exchange) -> Int {
        switch exchange.request?.method {
        case .get?: 0
        case .head?: 1
        case .post?: 2
        case .put?: 3
        case .patch?: 4
        case .delete?: 5
        case .options?: 6
        case .trace?, .connect?, .other?, nil: others
        }
    }
}
