internal import HTTP

extension RoutingPlan {
    /// Checks one line of a routes file.
    ///
    /// - Parameter place: where the line is, as a JSON pointer.
    static func route(
        _ line: RoutesFile.Line,
        _ file: RoutesFile,
        at place: String
    ) throws(RoutesFault) -> Route {
        guard file.upstreams[line.upstream] != nil else {
            throw RoutesFault(pointer: "\(place)/upstream", reason: "there is no such upstream")
        }
        var route =
            if let prefix = try prefix(line, place) {
                Route(
                    try methods(line, place),
                    prefix,
                    prefix == "/" ? "/{rest...}" : "\(prefix)/{rest...}",
                    to: line.upstream
                )
            } else {
                Route(try methods(line, place), try path(line, place), to: line.upstream)
            }
        route.access = try access(line, file, place)
        let transport = file.upstreams[line.upstream]?.tls
        route.passesCredentials = route.access == .anyone && transport == "none"
        route.priority = try priority(line, place)
        route.limit = line.limit ?? LimitGroup.client
        guard file.limits[route.limit] != nil else {
            throw RoutesFault(pointer: "\(place)/limit", reason: "there is no such limit")
        }
        try within(1...600_000, line.timeout, "\(place)/timeout_ms")
        try checkTries(line, place)
        try within(0...10, line.retries, "\(place)/retries")
        try within(0...(1 << 40), line.bodyLimit, "\(place)/body_limit")
        route.timeout = line.timeout.map { .milliseconds($0) }
        route.tryTimeout = line.tryTimeout.map { .milliseconds($0) }
        route.retries = line.retries
        route.honoursKey = line.honoursKey ?? false
        route.types = line.types ?? []
        route.contentLimit = line.bodyLimit ?? route.contentLimit
        route.streams = line.streamBody ?? false
        route.cache = try cachePolicy(line, route.methods, place)
        if route.streams, file.limits[route.limit]?.by == LimitGroup.Subject.account.rawValue {
            throw RoutesFault(
                pointer: "\(place)/stream_body",
                reason: "a limit by account must read the content first"
            )
        }
        return route
    }

    private static func priority(
        _ line: RoutesFile.Line,
        _ place: String
    ) throws(RoutesFault) -> Priority {
        guard let name = line.priority else { return .normal }
        guard let priority = Priority(rawValue: name) else {
            throw RoutesFault(
                pointer: "\(place)/priority",
                reason: "must be 'low', 'normal' or 'high'"
            )
        }
        return priority
    }

    /// A try that has less time than its call leaves the rest for the next one.
    private static func checkTries(
        _ line: RoutesFile.Line,
        _ place: String
    ) throws(RoutesFault) {
        guard let tryTimeout = line.tryTimeout else { return }
        let place = "\(place)/try_timeout_ms"
        guard let timeout = line.timeout else {
            throw RoutesFault(pointer: place, reason: "needs timeout_ms, of which it is a part")
        }
        guard (1..<timeout).contains(tryTimeout) else {
            throw RoutesFault(
                pointer: place,
                reason: "must be at least 1 and less than timeout_ms, which is \(timeout)"
            )
        }
    }

    static func within(
        _ range: ClosedRange<Int>,
        _ value: Int?,
        _ place: String
    ) throws(RoutesFault) {
        if let value, !range.contains(value) {
            throw RoutesFault(
                pointer: place,
                reason: "must be within \(range.lowerBound) and \(range.upperBound)"
            )
        }
    }

    private static func methods(
        _ line: RoutesFile.Line,
        _ place: String
    ) throws(RoutesFault) -> [Method] {
        guard !line.methods.isEmpty else {
            throw RoutesFault(pointer: "\(place)/methods", reason: "names no method")
        }
        var methods: [Method] = []
        for (index, name) in line.methods.enumerated() {
            let method = Method(name)
            switch method {
            case .get, .post, .put, .patch, .delete, .options: methods.append(method)
            case .head, .trace, .connect, .other:
                throw RoutesFault(
                    pointer: "\(place)/methods/\(index)",
                    reason: "must be GET (which brings HEAD), POST, PUT, PATCH, DELETE or OPTIONS"
                )
            }
        }
        return methods
    }

    /// The prefix of a line that has one instead of a path.
    private static func prefix(
        _ line: RoutesFile.Line,
        _ place: String
    ) throws(RoutesFault) -> String? {
        guard (line.path == nil) != (line.prefix == nil) else {
            throw RoutesFault(pointer: place, reason: "must have a path or a prefix, and one only")
        }
        guard let prefix = line.prefix else { return nil }
        guard !prefix.contains(where: { "{}".contains($0) }), Router.isTemplate(prefix) else {
            throw RoutesFault(pointer: "\(place)/prefix", reason: "must be like /assets")
        }
        return prefix
    }

    private static func path(
        _ line: RoutesFile.Line,
        _ place: String
    ) throws(RoutesFault) -> String {
        guard let path = line.path, Router.isTemplate(path) else {
            throw RoutesFault(
                pointer: "\(place)/path",
                reason: "must be like /orders/{id}: a slash, then segments or {name}"
            )
        }
        return path
    }

    private static func access(
        _ line: RoutesFile.Line,
        _ file: RoutesFile,
        _ place: String
    ) throws(RoutesFault) -> Route.Access {
        let access: Route.Access
        switch line.auth ?? "none" {
        case "none": access = .anyone
        case "optional": access = .optional
        case "required": access = .user
        case "role:admin": access = .admin
        default:
            throw RoutesFault(
                pointer: "\(place)/auth",
                reason: "must be 'none', 'optional', 'required' or 'role:admin'"
            )
        }
        guard access == .anyone || file.keys != nil else {
            throw RoutesFault(
                pointer: "\(place)/auth",
                reason: "needs the keys that sign tokens; say under /keys where they are"
            )
        }
        return access
    }
}
