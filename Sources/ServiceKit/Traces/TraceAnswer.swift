public import HTTP

/// A process that was asked for its part of a trace and did not tell it.
public struct MissingPart: Sendable, Codable, Equatable {
    /// The service it is an instance of.
    public let service: String
    /// Its address; nil when not even that is known.
    public let instance: String?
    /// Why there is no part.
    public let reason: String

    /// Notes a part that is not there.
    public init(service: String, instance: String?, reason: String) {
        self.service = service
        self.instance = instance
        self.reason = reason
    }
}

/// Answers with a trace: a tree as JSON, or a waterfall for those who read plain text.
public enum TraceAnswer {
    /// The trace that the path names.
    ///
    /// - Throws: 400 when it is no trace id.
    static func id(_ request: Request) throws(Problem) -> (high: UInt64, low: UInt64) {
        let text = try request.parameter("id")
        guard let halves = TraceText.halves(text) else {
            throw .badRequest("'\(text)' is no trace id: 32 lower-case hexadecimal digits")
        }
        return halves
    }

    /// The answer made of what processes told.
    ///
    /// - Throws: 404 when none knows the trace and all answered, 406 when neither form is wanted.
    public static func response(
        to request: Request,
        parts: [TracePart],
        missing: [MissingPart]
    ) throws(Problem) -> Response {
        _ = try id(request)
        let type = try request.preferred(of: ["application/json", "text/plain"])
        let tree = TraceTree(id: try request.parameter("id"), parts: parts, missing: missing)
        guard tree.spanCount > 0 || !missing.isEmpty else {
            throw .notFound(
                "no process remembers this trace; failed and slow ones are remembered longest"
            )
        }
        return type == "text/plain"
            ? .text(tree.waterfall, headers: [.vary: "accept"])
            : .json(tree, headers: [.vary: "accept"])
    }
}
