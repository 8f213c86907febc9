/// What went wrong with a request, as its client is told: a problem document (RFC 9457).
///
/// A handler throws it, the server sends it. `detail` is for people and must hold no secret; `type`
/// and the extension members are for programs.
public struct Problem: Error, Sendable, Encodable {
    /// One field of the input and what is wrong with it.
    public struct Field: Sendable, Hashable, Codable {
        /// Where the field is, as a JSON pointer (RFC 6901): `/items/0/quantity`.
        public var pointer: String
        /// What is wrong, for people.
        public var detail: String

        /// Names a field and its fault.
        public init(pointer: String, detail: String) {
            self.pointer = pointer
            self.detail = detail
        }
    }

    /// The kind, a URI reference such as `/problems/out-of-stock`; `about:blank` means the status says it all.
    public var type: String
    /// The kind for people; the same for every problem of one type.
    public var title: String
    /// The status of the answer.
    public var status: Status
    /// What happened this time, for people.
    public var detail: String?
    /// What it happened to, a URI reference.
    public var instance: String?
    /// Which fields of the input are wrong.
    public var errors: [Field]
    /// Further members of the document.
    public var members: [String: JSONValue]
    /// Header fields that go with it, such as `Retry-After`.
    public var headers: Headers
    /// What lies behind it, for the log alone: it is never sent.
    public var cause: String?
    /// The template of the route that it comes from; nil when no route took the request.
    public internal(set) var route: String?

    /// Describes a problem.
    ///
    /// - Parameter slug: the last part of the type's URI, `out-of-stock`; nil for `about:blank`.
    public init(
        _ status: Status,
        _ slug: String? = nil,
        title: String? = nil,
        detail: String? = nil,
        errors: [Field] = [],
        members: [String: JSONValue] = [:],
        headers: Headers = [:]
    ) {
        self.status = status
        type = slug.map { "/problems/\($0)" } ?? "about:blank"
        self.title = title ?? slug.map(Self.title) ?? status.reason
        self.detail = detail
        self.errors = errors
        self.members = members
        self.headers = headers
    }

    /// `out-of-stock` reads `Out of stock`.
    private static func title(_ slug: String) -> String {
        let words = slug.split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private struct Member: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Writes the document; extension members cannot replace the standard ones.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Member.self)
        for (name, value) in members {
            try container.encode(value, forKey: Member(stringValue: name))
        }
        try container.encode(type, forKey: Member(stringValue: "type"))
        try container.encode(title, forKey: Member(stringValue: "title"))
        try container.encode(status.code, forKey: Member(stringValue: "status"))
        try container.encodeIfPresent(detail, forKey: Member(stringValue: "detail"))
        try container.encodeIfPresent(instance, forKey: Member(stringValue: "instance"))
        if !errors.isEmpty { try container.encode(errors, forKey: Member(stringValue: "errors")) }
    }

    /// The answer that carries the document.
    public func response() -> Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        let body = (try? JSON.encode(self)) ?? []
        var response = Response(status, headers: headers, body: .bytes(body))
        response.route = route
        return response
    }
}

extension Problem {
    /// 404: nothing is here, or nothing that the caller may know of.
    public static func notFound(_ detail: String? = nil) -> Problem {
        Problem(.notFound, detail: detail)
    }

    /// 400: the request cannot be understood.
    public static func badRequest(_ detail: String) -> Problem {
        Problem(.badRequest, detail: detail)
    }

    /// 422: the request is understood, and the field at this JSON pointer is wrong.
    public static func invalid(_ pointer: String, _ detail: String) -> Problem {
        invalid([Field(pointer: pointer, detail: detail)])
    }

    /// 422: the request is understood, and these fields of it are wrong.
    public static func invalid(_ errors: [Field]) -> Problem {
        Problem(
            .unprocessable,
            "invalid-input",
            detail: errors.map { "\($0.pointer.isEmpty ? "/" : $0.pointer): \($0.detail)" }
                .joined(separator: "; "),
            errors: errors
        )
    }

    /// 503: try again, after a while if one is known.
    public static func unavailable(_ detail: String? = nil, retryAfter: Duration? = nil) -> Problem
    {
        var problem = Problem(.serviceUnavailable, detail: detail)
        if let retryAfter {
            problem.headers[.retryAfter] = String(max(1, retryAfter.components.seconds))
        }
        return problem
    }

    /// 500: our fault; nothing about why leaves the process.
    public static var internalError: Problem { Problem(.internalServerError) }
}
