internal import HTTP
internal import Telemetry

/// What operators see and do: `GET /cache` and `POST /cache/purge` on the admin port.
struct CacheRoutes: Sendable {
    let table: RouteTable

    private struct Report: Encodable {
        let entries: Int
        let bytes: Int
        let limitBytes: Int
        let hits: UInt64
        let misses: UInt64
        let results: [String: UInt64]
        let evictions: Int
        let purges: UInt64
        let flights: Int

        enum CodingKeys: String, CodingKey {
            case entries, bytes
            case limitBytes = "limit_bytes"
            case hits, misses, results, evictions, purges, flights
        }
    }

    /// What is to be purged: everything at a path, or all there is.
    private struct Purge: Decodable {
        var path: String?
        var all: Bool?
        /// Whether it may still stand in for an origin that fails.
        var soft: Bool?
    }

    func add(to router: inout Router) {
        router.immediate(.get, "/cache") { _ throws(Problem) in .json(try report()) }
        router.on(.post, "/cache/purge") { request throws(Problem) in
            try purge(try await request.json(Purge.self, limit: 65_536))
            return .empty()
        }
    }

    private func cache() throws(Problem) -> EdgeCache {
        guard let cache = table.cached?.cache else {
            throw .notFound("no route has a cache")
        }
        return cache
    }

    private func report() throws(Problem) -> Report {
        let cache = try cache()
        let snapshot = cache.snapshot
        let results = CacheMeasures.Result.allCases.map {
            ($0.rawValue, cache.measures.value($0))
        }
        return Report(
            entries: snapshot.entries,
            bytes: snapshot.bytes,
            limitBytes: cache.limits.bytes,
            hits: cache.measures.value(.hit),
            misses: cache.measures.value(.miss),
            results: Dictionary(uniqueKeysWithValues: results),
            evictions: snapshot.evictions,
            purges: cache.measures.purges.value,
            flights: snapshot.flights
        )
    }

    private func purge(_ purge: Purge) throws(Problem) {
        let cache = try cache()
        let effect = purge.soft == true ? PurgeLog.Effect.outdated : .gone
        switch (purge.path, purge.all) {
        case (let text?, nil), (let text?, false?):
            guard let path = Path(text) else {
                throw .badRequest("path: '\(text)' is no path, such as /products/42")
            }
            cache.purge(path: path.description, effect)
        case (nil, true?): cache.purgeEverything(effect)
        default:
            throw .badRequest(
                #"say what to purge: {"path": "/products/42"} or {"all": true}"#
            )
        }
    }
}
