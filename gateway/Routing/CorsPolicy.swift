internal import HTTP

/// Which pages of other origins may read answers, and what their browsers may send (WHATWG Fetch,
/// "CORS protocol").
struct CorsPolicy: Sendable, Equatable {
    /// Origins such as `https://shop.example`; `*` alone stands for all.
    let origins: [String]
    /// Fields that a request may carry.
    let headers: [String]
    /// Fields of an answer that a page may read.
    let exposed: [String]
    /// Whether cookies and the like may be sent; not together with `*`.
    let credentials: Bool
    /// Seconds that a browser may keep the answer to a preflight.
    let maxAge: Int

    init(
        origins: [String],
        headers: [String] = ["authorization", "content-type", "idempotency-key", "if-match"],
        exposed: [String] = ["etag", "location", "retry-after", "x-request-id"],
        credentials: Bool = false,
        maxAge: Int = 600
    ) {
        self.origins = origins
        self.headers = headers
        self.exposed = exposed
        self.credentials = credentials
        self.maxAge = maxAge
    }

    /// What a routes file says; what it leaves out is the default.
    init(_ file: RoutesFile.Cors) throws(RoutesFault) {
        let standard = CorsPolicy(origins: [])
        self.init(
            origins: file.origins,
            headers: file.headers ?? standard.headers,
            exposed: file.exposed ?? standard.exposed,
            credentials: file.credentials ?? standard.credentials,
            maxAge: file.maxAge ?? standard.maxAge
        )
        for (index, origin) in origins.enumerated() where !Self.isOrigin(origin) {
            throw RoutesFault(
                pointer: "/cors/origins/\(index)",
                reason: "must be like https://shop.example, without a path, or *"
            )
        }
        if credentials, origins.contains("*") {
            throw RoutesFault(
                pointer: "/cors/credentials",
                reason: "cannot be true while every origin is allowed; name the origins"
            )
        }
        for (member, names) in [("headers", headers), ("exposed", exposed)] {
            for (index, name) in names.enumerated() where HeaderName(name) == nil {
                throw RoutesFault(
                    pointer: "/cors/\(member)/\(index)",
                    reason: "is no name of a field"
                )
            }
        }
    }

    private static func isOrigin(_ text: String) -> Bool {
        if text == "*" { return true }
        let rest =
            text.hasPrefix("https://")
            ? text.dropFirst(8)
            : text.hasPrefix("http://") ? text.dropFirst(7) : ""
        return !rest.isEmpty && !rest.contains { "/ ?#@,".contains($0) }
    }

    /// The answer to a preflight: `OPTIONS` with `Origin` and `Access-Control-Request-Method`; nil when
    /// the request is none.
    ///
    /// - Parameter methods: what the resource allows.
    func preflight(_ request: Request, methods: [Method]) -> Response? {
        guard request.method == .options, let origin = request.headers["origin"],
            request.headers.contains("access-control-request-method")
        else { return nil }
        var fields = fields(for: origin)
        // Without them the browser refuses by itself, which is the point.
        if allows(origin) {
            fields["access-control-allow-methods"] =
                methods.map(\.description).joined(separator: ", ")
            fields["access-control-allow-headers"] = headers.joined(separator: ", ")
            fields["access-control-max-age"] = String(maxAge)
        }
        return .empty(.noContent, headers: fields)
    }

    /// What an answer to a page of this origin carries beside its own fields.
    func fields(for origin: String) -> Headers {
        // What is cached for one origin must not be taken for another's.
        var fields: Headers = [.vary: "origin"]
        guard allows(origin) else { return fields }
        fields["access-control-allow-origin"] = origins.contains("*") ? "*" : origin
        if credentials { fields["access-control-allow-credentials"] = "true" }
        if !exposed.isEmpty {
            fields["access-control-expose-headers"] = exposed.joined(separator: ", ")
        }
        return fields
    }

    private func allows(_ origin: String) -> Bool {
        origins.contains("*") || origins.contains(origin)
    }
}
