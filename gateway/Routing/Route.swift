internal import HTTP

/// One line of the gateway's table: what clients may ask for, who answers, and on what terms.
struct Route: Sendable, Equatable {
    /// Who may use a route.
    enum Access: Sendable, Equatable {
        /// Everybody; a token is not even looked at.
        case anyone
        /// Everybody; a token that is sent must be valid.
        case optional
        /// Whoever has signed in.
        case user
        /// Administrators.
        case admin
    }

    let methods: [Method]
    /// Paths with `{name}` for a segment and `{name...}` for all that remain.
    let templates: [String]
    /// The name of an upstream.
    let upstream: String
    var access = Access.anyone
    /// What is refused first when its upstream has too much to do.
    var priority = Priority.normal
    /// The group of limits that count a request.
    var limit = LimitGroup.client
    /// For the whole call and each try; nil for the mesh's own.
    var timeout: Duration?
    /// For each try if it has less than the whole call, or to open a stream; nil for the same.
    var tryTimeout: Duration?
    /// Tries after the first; nil for the mesh's own.
    var retries: Int?
    /// Whether the service makes a repetition harmless when there is an `Idempotency-Key`.
    var honoursKey = false
    /// What the service answers with when all is well; empty for whatever it likes.
    ///
    /// A client that takes none of it gets 406.
    var types: [String] = []
    /// The largest content of a request; beyond: 413.
    var contentLimit = 1 << 20
    /// Whether a content goes on as it arrives, with no more of it held than a piece.
    ///
    /// Such a request is tried once: what was sent on cannot be sent again.
    var streams = false
    /// Whether `Authorization` and `Cookie` go on: to an origin that is not of the platform, from a route
    /// that looks at no tokens itself, they are that origin's business.
    var passesCredentials = false
    /// How answers to GET are kept; nil for not at all.
    var cache: CachePolicy?

    init(_ methods: [Method], _ templates: String..., to upstream: String) {
        self.methods = methods
        self.templates = templates
        self.upstream = upstream
    }
}
