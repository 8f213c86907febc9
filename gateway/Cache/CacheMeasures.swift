internal import Telemetry

/// The numbers of the cache.
struct CacheMeasures: Sendable {
    /// What became of a request on a route with a cache.
    enum Result: String, CaseIterable {
        /// Answered from what is kept, fresh.
        case hit
        /// Answered from what is kept, stale: asked for anew meanwhile, or wanted so by the client.
        case stale
        /// Answered from what is kept because the origin failed.
        case saved
        /// The origin confirmed what is kept.
        case revalidated
        /// Answered by the origin.
        case miss
        /// Answered by another request's call.
        case collapsed
        /// Not the cache's business.
        case bypass
    }

    let purges: Counter
    private let results: [Result: Counter]
    private let hits: Counter

    init(_ metrics: Metrics) {
        let family = metrics.counters(
            "gateway_cache_requests_total",
            "Requests on routes with a cache, by what became of them.",
            labels: ["result"]
        )
        results = Dictionary(
            uniqueKeysWithValues: Result.allCases.map { ($0, family.with($0.rawValue)) }
        )
        hits = family.with(Result.hit.rawValue)
        purges = metrics.counter("gateway_cache_purges_total", "Purges, of a path or of all.")
    }

    func count(_ result: Result) {
        // Most are hits, and looking one up costs more than counting it.
        if result == .hit { hits.increment() } else { results[result]?.increment() }
    }

    /// How many requests had this result.
    func value(_ result: Result) -> UInt64 { results[result]?.value ?? 0 }

    func collect(from cache: EdgeCache, _ metrics: Metrics) {
        let readers: [(String, String, MetricKind, @Sendable (EdgeCache.Snapshot) -> Int)] = [
            ("gateway_cache_entries", "Answers kept.", .gauge, { $0.entries }),
            ("gateway_cache_bytes", "Bytes that they take.", .gauge, { $0.bytes }),
            (
                "gateway_cache_evictions_total", "Targets that made way for others.", .counter,
                { $0.evictions }
            ),
            ("gateway_cache_flights", "Calls that others may wait for.", .gauge, { $0.flights }),
        ]
        for (name, help, kind, read) in readers {
            metrics.collect(name, help, kind: kind) { [weak cache] in
                cache.map { [Sample([], Double(read($0.snapshot)))] } ?? []
            }
        }
    }
}
