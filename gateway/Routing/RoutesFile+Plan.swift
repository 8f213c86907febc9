internal import HTTP
internal import Mesh

/// Why a routes file cannot be put in force, for the person who wrote it.
struct RoutesFault: Error, Equatable, CustomStringConvertible {
    /// Where, as a JSON pointer (RFC 6901).
    let pointer: String
    let reason: String
    /// The line of that place, counted from 1; nil when the file has no such place.
    var line: Int?

    var description: String {
        let place = pointer.isEmpty ? "" : "\(pointer) "
        return line.map { "line \($0): \(place)\(reason)" } ?? "\(place)\(reason)"
    }
}

extension RoutingPlan {
    /// Reads and checks a routes file.
    ///
    /// - Parameter variable: looks up what `$NAME` stands for in an upstream's endpoints.
    /// - Throws: the first fault, with its line.
    init(_ bytes: [UInt8], variable: (String) -> String?) throws(RoutesFault) {
        do throws(RoutesFault) {
            let file: RoutesFile
            do {
                file = try JSON.decode(RoutesFile.self, from: bytes)
            } catch {
                throw Self.fault(Problem(decoding: error, of: bytes))
            }
            try self.init(file, variable)
        } catch {
            var fault = error
            fault.line = JSON.line(of: error.pointer, in: bytes)
            throw fault
        }
    }

    private static func fault(_ problem: Problem) -> RoutesFault {
        guard let error = problem.errors.first else {
            return RoutesFault(pointer: "", reason: problem.detail ?? "cannot be read")
        }
        return RoutesFault(pointer: error.pointer, reason: error.detail)
    }

    private init(_ file: RoutesFile, _ variable: (String) -> String?) throws(RoutesFault) {
        for (name, upstream) in file.upstreams.sorted(by: { $0.key < $1.key }) {
            upstreams[name] = try Self.origin(upstream, "/upstreams/\(name)", variable)
        }
        keys = try Self.keys(file)
        for (name, limit) in file.limits.sorted(by: { $0.key < $1.key }) {
            limits[name] = try Self.limit(limit, "/limits/\(name)")
        }
        guard limits[LimitGroup.client] != nil else {
            throw RoutesFault(pointer: "/limits", reason: "'client' is missing")
        }
        (cache, feeds) = try Self.cache(file)
        cors = try file.cors.map { cors throws(RoutesFault) in try CorsPolicy(cors) }
        var seen: Set<String> = []
        for (index, line) in file.routes.enumerated() {
            let route = try Self.route(line, file, at: "/routes/\(index)")
            for method in route.methods {
                for template in route.templates
                where !seen.insert("\(method) \(Self.shape(of: template))").inserted {
                    throw RoutesFault(
                        pointer: "/routes/\(index)",
                        reason: "\(method) \(template) is there already"
                    )
                }
            }
            routes.append(route)
        }
        try Self.checkEvents(routes, feeds)
    }

    /// The template without its parameters' names, which tell no paths apart.
    private static func shape(of template: String) -> String {
        template.split(separator: "/").map { segment in
            if segment.hasSuffix("...}") { return "{...}" }
            return segment.hasPrefix("{") ? "{}" : String(segment)
        }.joined(separator: "/")
    }

    // MARK: Upstreams

    private static func origin(
        _ upstream: RoutesFile.Upstream,
        _ place: String,
        _ variable: (String) -> String?
    ) throws(RoutesFault) -> Origin {
        var text = upstream.endpoints
        if text.hasPrefix("$") {
            let name = String(text.dropFirst())
            guard let value = variable(name) else {
                throw RoutesFault(
                    pointer: "\(place)/endpoints",
                    reason: "the environment has no \(name); set it, as in "
                        + "\(name)=127.0.0.1:9001,127.0.0.1:9002"
                )
            }
            text = value
        }
        let transport = upstream.tls ?? Origin.Transport.mutual.rawValue
        guard let known = Origin.Transport(rawValue: transport) else {
            throw RoutesFault(pointer: "\(place)/tls", reason: "must be 'mutual' or 'none'")
        }
        if let health = upstream.health, !health.hasPrefix("/") {
            throw RoutesFault(pointer: "\(place)/health", reason: "must be a path like /health")
        }
        let balancing = upstream.balancing ?? Balancer.Kind.leastRequests.rawValue
        guard let kind = Balancer.Kind(rawValue: balancing) else {
            throw RoutesFault(
                pointer: "\(place)/balancing",
                reason: "must be 'least-requests' or 'ring'"
            )
        }
        do throws(Endpoints.Invalid) {
            return Origin(
                endpoints: try Endpoints(text),
                transport: known,
                health: upstream.health,
                balancing: kind
            )
        } catch {
            throw RoutesFault(pointer: "\(place)/endpoints", reason: "is '\(text)': \(error)")
        }
    }

    private static func keys(_ file: RoutesFile) throws(RoutesFault) -> KeySource? {
        guard let keys = file.keys else { return nil }
        guard file.upstreams[keys.upstream] != nil else {
            throw RoutesFault(pointer: "/keys/upstream", reason: "there is no such upstream")
        }
        for (name, path) in [("path", keys.path), ("ended_sessions", keys.endedSessions ?? "/")]
        where !path.hasPrefix("/") {
            throw RoutesFault(pointer: "/keys/\(name)", reason: "must begin with a slash")
        }
        return KeySource(
            upstream: keys.upstream,
            path: keys.path,
            endedSessions: keys.endedSessions
        )
    }

    // MARK: Limits

    private static func limit(
        _ limit: RoutesFile.Limit,
        _ place: String
    ) throws(RoutesFault) -> LimitGroup {
        guard let subject = LimitGroup.Subject(rawValue: limit.by ?? "client") else {
            throw RoutesFault(pointer: "\(place)/by", reason: "must be 'client' or 'account'")
        }
        return LimitGroup(
            subject: subject,
            user: try rate(limit.user, "\(place)/user"),
            address: try rate(limit.address, "\(place)/address")
        )
    }

    private static func rate(
        _ rate: RoutesFile.Rate,
        _ place: String
    ) throws(RoutesFault) -> TokenBucket.Policy {
        let seconds = rate.seconds ?? 1
        let burst = rate.burst ?? rate.requests
        for (name, value) in [
            ("requests", rate.requests), ("seconds", seconds), ("burst", burst),
        ] {
            guard (1...1_000_000).contains(value) else {
                throw RoutesFault(
                    pointer: "\(place)/\(name)",
                    reason: "must be within 1 and 1000000"
                )
            }
        }
        // A bucket of another size fills at the same rate.
        let window = Duration.seconds(seconds) * burst / rate.requests
        return TokenBucket.Policy(quota: burst, window: window)
    }
}
