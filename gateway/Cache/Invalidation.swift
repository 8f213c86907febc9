internal import HTTP

/// Makes kept answers old when a request may have changed what they say (RFC 9111 section 4.4).
struct Invalidation: Sendable {
    private let cache: EdgeCache
    /// Where answers may be kept: other paths need no purge.
    private let cached: Router

    init(cache: EdgeCache, routes: [Route]) {
        self.cache = cache
        var cached = Router()
        for route in routes where route.cache != nil {
            for template in route.templates {
                cached.immediate(.get, template) { _ throws(Problem) in .empty() }
            }
        }
        self.cached = cached
    }

    /// Watches what an unsafe method's request comes to.
    func wrap(_ next: @escaping Handler) -> Handler {
        { request throws(Problem) in
            do throws(Problem) {
                let response = try await next(request)
                note(response, to: request)
                return response
            } catch {
                // Without an answer it may have been done all the same.
                if [502, 504].contains(error.status.code) { touch(request.path, .outdated) }
                throw error
            }
        }
    }

    private func note(_ response: Response, to request: Request) {
        guard (200...399).contains(response.status.code) else { return }
        touch(request.path, .gone)
        for name in [HeaderName.location, "content-location"] {
            if let value = response.headers[name],
                let path = Self.path(of: value, from: request), cached.knows(path)
            {
                cache.purge(path: path.description, .gone)
            }
        }
    }

    /// The target has changed, and with it what the collections above it tell of it.
    private func touch(_ path: Path, _ effect: PurgeLog.Effect) {
        if cached.knows(path) { cache.purge(path: path.description, effect) }
        var segments = path.segments
        while segments.popLast() != nil, !segments.isEmpty {
            guard let above = Path("/" + segments.joined(separator: "/")), cached.knows(above)
            else { continue }
            cache.purge(path: above.description, .outdated)
        }
    }

    /// The path that a reference leads to; nil when that is another origin's.
    static func path(of reference: String, from request: Request) -> Path? {
        var rest = reference.prefix { $0 != "?" && $0 != "#" }
        let scheme = rest.prefix { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        if !scheme.isEmpty, rest[scheme.endIndex...].hasPrefix("://") {
            rest = rest[scheme.endIndex...].dropFirst(3)
        } else if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
        } else if rest.hasPrefix("/") {
            return Path(String(rest))
        } else {
            let folder = request.path.segments.dropLast().map { "/\($0)" }.joined()
            return Path("\(folder)/\(rest)")
        }
        let host = rest.prefix { $0 != "/" }
        let own = ClientOrigin.current?.host ?? request.host
        guard host.lowercased() == own?.lowercased() else { return nil }
        let path = rest.dropFirst(host.count)
        return Path(path.isEmpty ? "/" : String(path))
    }
}
