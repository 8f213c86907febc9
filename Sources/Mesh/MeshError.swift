public import HTTP
public import Reactor

/// Why a call to another service brought no answer, by what is known about its effect.
public enum MeshError: Error, Sendable, Equatable {
    /// Nothing was done: no instance could be reached, or breakers refused the call.
    case unavailable(String)
    /// It may or may not have been done: the connection or the answer was lost.
    case unknown(String)
    /// There was no time left; it may or may not have been done.
    case deadline
    /// Nothing was done: there are too many calls already.
    case overloaded(retryAfter: Duration)

    /// What a service tells its own caller: 503, 502 or 504; nothing about the inside leaves.
    public func problem(upstream: String) -> Problem {
        switch self {
        case .unavailable:
            .unavailable(
                "the \(upstream) service cannot be reached at the moment",
                retryAfter: .seconds(1)
            )
        case .unknown: Problem(.badGateway, detail: "the \(upstream) service did not answer")
        case .deadline: Problem(.gatewayTimeout, detail: "the \(upstream) service took too long")
        case .overloaded(let retryAfter):
            .unavailable("the \(upstream) service has too much to do", retryAfter: retryAfter)
        }
    }
}

/// What one call asks for beyond the upstream's policy.
public struct CallOptions: Sendable {
    /// Whether repeating the call does no harm: then it is tried again after failures of any kind,
    /// otherwise only when nothing was sent.
    public var isIdempotent: Bool
    /// How long the whole call may take; nil for the policy's time.
    public var timeout: Duration?
    /// How long one try may take; nil for the policy's time.
    public var tryTimeout: Duration?
    /// Tries after the first; nil for the policy's number.
    public var retries: Int?
    /// How long the head of a try's answer may take, where its content takes much longer; nil for as long
    /// as the try.
    public var headTimeout: Duration?

    /// The options of one call.
    public init(
        isIdempotent: Bool,
        timeout: Duration? = nil,
        tryTimeout: Duration? = nil,
        retries: Int? = nil,
        headTimeout: Duration? = nil
    ) {
        self.isIdempotent = isIdempotent
        self.retries = retries
        self.timeout = timeout
        self.tryTimeout = tryTimeout
        self.headTimeout = headTimeout
    }
}

/// How a call went, for those who log it.
public struct CallOutcome: Sendable {
    /// The answer, whatever its status, or why there is none.
    public let result: Result<ClientResponse, MeshError>
    /// The instance tried last; nil when none was.
    public let instance: SocketAddress?
    /// How many tries there were.
    public let tries: Int
}
