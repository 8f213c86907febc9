internal import HTTP

/// A route as operators see it, in the words of the routes file.
struct RouteView: Encodable {
    let methods: [String]
    let paths: [String]
    let upstream: String
    let auth: String
    let priority: String
    let limit: String
    let timeoutMilliseconds: Int64?
    let tryTimeoutMilliseconds: Int64?
    let retries: Int?
    let honoursKey: Bool
    let bodyLimit: Int
    let streamBody: Bool

    enum CodingKeys: String, CodingKey {
        case methods, paths, upstream, auth, priority, limit, retries
        case timeoutMilliseconds = "timeout_ms"
        case tryTimeoutMilliseconds = "try_timeout_ms"
        case honoursKey = "honours_key"
        case bodyLimit = "body_limit"
        case streamBody = "stream_body"
    }

    init(_ route: Route) {
        methods = route.methods.map(\.description)
        paths = route.templates
        upstream = route.upstream
        auth = Self.name(of: route.access)
        priority = route.priority.rawValue
        limit = route.limit
        timeoutMilliseconds = route.timeout.map { Int64($0 / .milliseconds(1)) }
        tryTimeoutMilliseconds = route.tryTimeout.map { Int64($0 / .milliseconds(1)) }
        retries = route.retries
        honoursKey = route.honoursKey
        bodyLimit = route.contentLimit
        streamBody = route.streams
    }

    private static func name(of access: Route.Access) -> String {
        switch access {
        case .anyone: "none"
        case .optional: "optional"
        case .user: "required"
        case .admin: "role:admin"
        }
    }
}
