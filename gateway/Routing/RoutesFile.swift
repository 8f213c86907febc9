internal import HTTP

/// A routes file as it is written; `docs/routes.schema.json` says the same for editors.
///
/// An unknown member is refused: a misspelled limit must not be an absent one.
struct RoutesFile: Decodable {
    struct Upstream: Decodable {
        var endpoints: String
        var tls: String?
        var health: String?
        var balancing: String?

        init(from decoder: any Decoder) throws {
            let members = try Members(decoder, "endpoints", "tls", "health", "balancing")
            endpoints = try members.required("endpoints")
            tls = try members.optional("tls")
            health = try members.optional("health")
            balancing = try members.optional("balancing")
        }
    }

    struct Keys: Decodable {
        var upstream: String
        var path: String
        var endedSessions: String?

        init(from decoder: any Decoder) throws {
            let members = try Members(decoder, "upstream", "path", "ended_sessions")
            upstream = try members.required("upstream")
            path = try members.required("path")
            endedSessions = try members.optional("ended_sessions")
        }
    }

    struct Limit: Decodable {
        var by: String?
        var user: Rate
        var address: Rate

        init(from decoder: any Decoder) throws {
            let members = try Members(decoder, "by", "user", "address")
            by = try members.optional("by")
            user = try members.required("user")
            address = try members.required("address")
        }
    }

    struct Rate: Decodable {
        var requests: Int
        var seconds: Int?
        var burst: Int?

        init(from decoder: any Decoder) throws {
            let members = try Members(decoder, "requests", "seconds", "burst")
            requests = try members.required("requests")
            seconds = try members.optional("seconds")
            burst = try members.optional("burst")
        }
    }

    struct Cors: Decodable {
        var origins: [String]
        var headers: [String]?
        var exposed: [String]?
        var credentials: Bool?
        var maxAge: Int?

        init(from decoder: any Decoder) throws {
            let members = try Members(
                decoder,
                "origins",
                "headers",
                "exposed",
                "credentials",
                "max_age"
            )
            origins = try members.required("origins")
            headers = try members.optional("headers")
            exposed = try members.optional("exposed")
            credentials = try members.optional("credentials")
            maxAge = try members.optional("max_age")
        }
    }

    struct Line: Decodable {
        var path: String?
        var prefix: String?
        var methods: [String]
        var upstream: String
        var auth: String?
        var priority: String?
        var limit: String?
        var timeout: Int?
        var tryTimeout: Int?
        var retries: Int?
        var honoursKey: Bool?
        var types: [String]?
        var bodyLimit: Int?
        var streamBody: Bool?
        var cache: RouteCache?

        init(from decoder: any Decoder) throws {
            let members = try Members(
                decoder,
                "path",
                "prefix",
                "methods",
                "upstream",
                "auth",
                "priority",
                "limit",
                "timeout_ms",
                "try_timeout_ms",
                "retries",
                "honours_key",
                "types",
                "body_limit",
                "stream_body",
                "cache"
            )
            path = try members.optional("path")
            prefix = try members.optional("prefix")
            methods = try members.required("methods")
            upstream = try members.required("upstream")
            auth = try members.optional("auth")
            priority = try members.optional("priority")
            limit = try members.optional("limit")
            timeout = try members.optional("timeout_ms")
            tryTimeout = try members.optional("try_timeout_ms")
            retries = try members.optional("retries")
            honoursKey = try members.optional("honours_key")
            types = try members.optional("types")
            bodyLimit = try members.optional("body_limit")
            streamBody = try members.optional("stream_body")
            cache = try members.optional("cache")
        }
    }

    var upstreams: [String: Upstream]
    var keys: Keys?
    var limits: [String: Limit]
    var cors: Cors?
    var cache: Cache?
    var routes: [Line]

    init(from decoder: any Decoder) throws {
        let members = try Members(
            decoder,
            "$schema",
            "upstreams",
            "keys",
            "limits",
            "cors",
            "cache",
            "routes"
        )
        upstreams = try members.required("upstreams")
        keys = try members.optional("keys")
        limits = try members.optional("limits") ?? [:]
        cors = try members.optional("cors")
        cache = try members.optional("cache")
        routes = try members.required("routes")
    }
}

/// The members of an object, none but the known ones.
struct Members {
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Name>

    init(_ decoder: any Decoder, _ known: String...) throws {
        container = try decoder.container(keyedBy: Name.self)
        for key in container.allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: container,
                debugDescription: "is unknown here; known are \(known.joined(separator: ", "))"
            )
        }
    }

    func required<Value: Decodable>(_ name: String) throws -> Value {
        try container.decode(Value.self, forKey: Name(stringValue: name))
    }

    func optional<Value: Decodable>(_ name: String) throws -> Value? {
        try container.decodeIfPresent(Value.self, forKey: Name(stringValue: name))
    }
}
