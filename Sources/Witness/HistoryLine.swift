/// What one request came to, as its client saw it: one line of JSON in a history, which `load` writes and
/// `stack verify --history` judges.
public struct HistoryLine: Sendable, Equatable, Codable {
    /// What was asked.
    public enum Kind: String, Sendable, Codable {
        /// `POST /orders`
        case checkout
        /// `GET /orders/{id}`
        case read
        /// `POST /orders/{id}/cancel`
        case cancel
    }

    /// What the client may take from the answer.
    public enum Outcome: String, Sendable, Codable {
        /// Yes.
        case ok
        /// A definite no.
        case fail
        /// It may have happened, or may yet happen.
        case unknown
    }

    /// Microseconds of one clock for the whole history.
    public var start: Int
    /// When the answer was there, or was given up.
    public var end: Int
    /// The customer's id.
    public var customer: String
    /// The idempotency key that the order was asked for with.
    public var key: String
    /// What was asked.
    public var kind: Kind
    /// What the answer means.
    public var outcome: Outcome
    /// Nil when no answer came.
    public var status: Int?
    /// The order's id, where the answer names one.
    public var order: String?
    /// The order's status in the answer's body.
    public var state: String?
    /// A checksum of the answer's body, whatever the order of its members.
    public var digest: UInt32?

    /// Says what was seen.
    public init(
        start: Int,
        end: Int,
        customer: String,
        key: String,
        kind: Kind,
        outcome: Outcome,
        status: Int? = nil,
        order: String? = nil,
        state: String? = nil,
        digest: UInt32? = nil
    ) {
        self.start = start
        self.end = end
        self.customer = customer
        self.key = key
        self.kind = kind
        self.outcome = outcome
        self.status = status
        self.order = order
        self.state = state
        self.digest = digest
    }

    enum CodingKeys: String, CodingKey {
        case customer, key, kind, outcome, status, order, state, digest
        case start = "start_us"
        case end = "end_us"
    }
}
