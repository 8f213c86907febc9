internal import HTTP

/// One line of the gateway's table.
struct Route: Sendable {
    /// The services that clients reach.
    enum Service: String, Sendable, CaseIterable {
        case user, product, order, payment, notification
    }

    /// Who may use a route.
    enum Access: Sendable {
        /// Everybody; a token is not even looked at.
        case anyone
        /// Everybody; a token that is sent must be valid.
        case optional
        /// Whoever has signed in.
        case user
        /// Administrators.
        case admin
    }

    /// Which limits count a request.
    enum Limit: Sendable {
        /// The user's, or the address's when there is none.
        case client
        /// The address's, and that of the account at this address.
        case signIn
    }

    let method: Method
    let template: String
    let service: Service
    let access: Access
    let limit: Limit
    /// For the whole call and each try; nil for the mesh's own.
    let timeout: Duration?
    /// What the service answers with when all is well; a client that takes none of it gets 406.
    let types: [String]
    /// The largest content of a request; beyond: 413.
    let contentLimit: Int
    /// Whether a content goes on as it arrives, with no more of it held than a piece.
    ///
    /// Such a request is tried once: what was sent on cannot be sent again.
    let streams: Bool
    /// Whether the service makes a repetition harmless when there is an `Idempotency-Key`.
    let honoursKey: Bool

    init(
        _ method: Method,
        _ template: String,
        _ service: Service,
        _ access: Access,
        limit: Limit = .client,
        timeout: Duration? = nil,
        honoursKey: Bool = false,
        types: [String] = ["application/json"],
        contentLimit: Int = 1 << 20,
        streams: Bool = false
    ) {
        self.method = method
        self.template = template
        self.service = service
        self.access = access
        self.limit = limit
        self.timeout = timeout
        self.honoursKey = honoursKey
        self.types = types
        self.contentLimit = contentLimit
        self.streams = streams
    }
}
