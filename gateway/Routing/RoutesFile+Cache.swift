internal import HTTP

extension RoutesFile {
    /// How much is kept, and who tells that it is old.
    struct Cache: Decodable {
        struct Feed: Decodable {
            var upstream: String
            var path: String

            init(from decoder: any Decoder) throws {
                let members = try Members(decoder, "upstream", "path")
                upstream = try members.required("upstream")
                path = try members.required("path")
            }
        }

        var bytes: Int?
        var entryBytes: Int?
        var feeds: [Feed]?

        init(from decoder: any Decoder) throws {
            let members = try Members(decoder, "bytes", "entry_bytes", "feeds")
            bytes = try members.optional("bytes")
            entryBytes = try members.optional("entry_bytes")
            feeds = try members.optional("feeds")
        }
    }

    /// What a line says about keeping answers: a mode alone, or an object.
    struct RouteCache: Decodable {
        var mode: String?
        var defaultTTL: Int?
        var staleIfError: Int?
        var staleWhileRevalidate: Int?
        var allowAuthorized: Bool?
        var heuristics: Bool?
        var events: [String]?
        var isText = false

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                mode = text
                isText = true
                return
            }
            let members = try Members(
                decoder,
                "mode",
                "default_ttl",
                "stale_if_error",
                "stale_while_revalidate",
                "allow_authorized",
                "heuristics",
                "events"
            )
            mode = try members.optional("mode")
            defaultTTL = try members.optional("default_ttl")
            staleIfError = try members.optional("stale_if_error")
            staleWhileRevalidate = try members.optional("stale_while_revalidate")
            allowAuthorized = try members.optional("allow_authorized")
            heuristics = try members.optional("heuristics")
            events = try members.optional("events")
        }
    }
}

extension RoutingPlan {
    /// Bounds and feeds of the cache.
    static func cache(_ file: RoutesFile) throws(RoutesFault) -> (CacheLimits, [Feed]) {
        var limits = CacheLimits()
        guard let cache = file.cache else { return (limits, []) }
        try within((1 << 20)...(1 << 40), cache.bytes, "/cache/bytes")
        limits.bytes = cache.bytes ?? limits.bytes
        try within(1...limits.bytes / 4, cache.entryBytes, "/cache/entry_bytes")
        limits.entryBytes = cache.entryBytes ?? min(limits.entryBytes, limits.bytes / 4)
        var feeds: [Feed] = []
        for (index, feed) in (cache.feeds ?? []).enumerated() {
            guard file.upstreams[feed.upstream] != nil else {
                throw RoutesFault(
                    pointer: "/cache/feeds/\(index)/upstream",
                    reason: "there is no such upstream"
                )
            }
            guard feed.path.hasPrefix("/") else {
                throw RoutesFault(
                    pointer: "/cache/feeds/\(index)/path",
                    reason: "must begin with a slash"
                )
            }
            feeds.append(Feed(upstream: feed.upstream, path: feed.path))
        }
        return (limits, feeds)
    }

    /// What a line says about keeping answers; nil for not at all.
    static func cachePolicy(
        _ line: RoutesFile.Line,
        _ methods: [Method],
        _ place: String
    ) throws(RoutesFault) -> CachePolicy? {
        guard let cache = line.cache else { return nil }
        switch cache.mode ?? "standard" {
        case "standard": break
        case "off": return nil
        default:
            throw RoutesFault(
                pointer: cache.isText ? "\(place)/cache" : "\(place)/cache/mode",
                reason: "must be 'off' or 'standard'"
            )
        }
        guard methods.contains(.get) else {
            throw RoutesFault(
                pointer: "\(place)/cache",
                reason: "needs GET among the methods: nothing else is kept"
            )
        }
        for (name, value) in [
            ("default_ttl", cache.defaultTTL), ("stale_if_error", cache.staleIfError),
            ("stale_while_revalidate", cache.staleWhileRevalidate),
        ] {
            try within(0...31_536_000, value, "\(place)/cache/\(name)")
        }
        return CachePolicy(
            defaultTTL: cache.defaultTTL.map(Int64.init),
            staleIfError: cache.staleIfError.map(Int64.init),
            staleWhileRevalidate: cache.staleWhileRevalidate.map(Int64.init),
            allowsAuthorized: cache.allowAuthorized ?? false,
            guesses: cache.heuristics ?? false,
            events: cache.events ?? []
        )
    }

    /// Events that nobody tells of would leave answers old without a word.
    static func checkEvents(_ routes: [Route], _ feeds: [Feed]) throws(RoutesFault) {
        for (index, route) in routes.enumerated() {
            guard feeds.isEmpty, route.cache?.events.isEmpty == false else { continue }
            throw RoutesFault(
                pointer: "/routes/\(index)/cache/events",
                reason: "needs a feed that tells of them; say under /cache/feeds where one is"
            )
        }
    }
}
