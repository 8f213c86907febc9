public import HTTP

/// One rule for injected faults: which requests it is for, how often, how long, and what becomes of them.
public struct FaultRule: Sendable, Equatable {
    /// Where a request is met.
    public enum Side: String, Sendable, CaseIterable {
        /// By the server that it reaches.
        case incoming
        /// By the mesh that sends it to an upstream.
        case outgoing
    }

    /// What becomes of a request.
    public enum Action: Sendable, Equatable {
        /// It waits before anything else happens to it.
        case latency(FaultLatency)
        /// It is answered with this status and nothing is done.
        case error(Status)
        /// Its connection is reset and nothing is done.
        case reset
        /// Its connection ends without an answer and nothing is done.
        case dropRequest
        /// All is done, then its connection ends without an answer.
        case dropReply
        /// It is done twice, one after the other; the first answer counts.
        case duplicate
        /// The answer's content comes at so many bytes a second.
        case slowBody(bytesPerSecond: Int)
        /// The whole process believes in a time that is so far off.
        case clockOffset(Duration)
    }

    /// Tells it from the others; a new rule of the same name takes its place.
    public var name: String
    /// Where requests are met.
    public var side = Side.incoming
    /// Which requests; nil for all but `/health`.
    public var route: FaultRoute?
    /// Whose, or to whom: the caller's short name for incoming requests, the upstream's for outgoing ones;
    /// nil for all.
    public var peer: String?
    /// How many in a hundred of the requests that fit, more than 0.
    public var percent = 100.0
    /// How many of the requests that fit are let through first.
    public var skip = 0
    /// After how many requests it has done its work; nil for never.
    public var count: Int?
    /// How long it is in force; nil for ever.
    public var duration: Duration?
    /// What is done, never empty; at most one of `error`, `reset` and `dropRequest`, and then no action
    /// that needs an answer.
    public var actions: [Action]

    /// A rule for all incoming requests, to be narrowed down.
    public init(_ name: String, _ actions: Action...) {
        self.name = name
        self.actions = actions
    }
}

/// Which requests a rule is for: a path template as routes have it, with or without a method.
///
/// `{name}` stands for one segment, a final `{name...}` for all that remain.
public struct FaultRoute: Sendable, Equatable, CustomStringConvertible {
    /// Why a text is no route.
    public struct Invalid: Error, Equatable, CustomStringConvertible {
        /// For people.
        public let description: String
    }

    private enum Segment: Equatable { case literal(String), any, rest }

    /// As it was written.
    public let description: String
    private let method: Method?
    private let segments: [Segment]

    /// Reads `PUT /reservations/{order_id}` or `/reservations/{order_id}`.
    public init(_ text: String) throws(Invalid) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let template = words.last, words.count <= 2, template.hasPrefix("/") else {
            throw Invalid(description: "is no path template, such as PUT /payments/{order_id}")
        }
        description = text
        method = words.count == 2 ? Method(String(words[0])) : nil
        if case .other(let name) = method {
            throw Invalid(description: "has the unknown method '\(name)'")
        }
        var segments: [Segment] = []
        for part in template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        where template != "/" {
            guard !part.isEmpty, segments.last != .rest else {
                throw Invalid(description: "has an empty segment, or one behind {name...}")
            }
            segments.append(try Self.segment(part))
        }
        self.segments = segments
    }

    private static func segment(_ part: Substring) throws(Invalid) -> Segment {
        let braces = part.count { $0 == "{" || $0 == "}" }
        if braces == 0 { return .literal(String(part)) }
        guard braces == 2, part.first == "{", part.last == "}", part.count > 2 else {
            throw Invalid(description: "has a malformed parameter '\(part)'")
        }
        return part.hasSuffix("...}") ? .rest : .any
    }

    /// Whether a request is meant; its path comes in segments, decoded.
    public func matches(_ method: Method, _ path: [String]) -> Bool {
        guard self.method == nil || self.method == method else { return false }
        for (index, segment) in segments.enumerated() {
            switch segment {
            case .rest: return path.count > index
            case .any where index < path.count: continue
            case .literal(let text) where index < path.count && path[index] == text: continue
            case .any, .literal: return false
            }
        }
        return path.count == segments.count
    }
}
