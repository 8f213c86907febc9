/// What the order service says has happened; the `type` of the event and the shape of its `data`.
public enum OrderEvent {
    /// An order was accepted and its saga began.
    public static let placed = "order.placed"
    /// Stock and money are ours; nothing is undone any more.
    public static let confirmed = "order.confirmed"
    /// The order came to nothing; whatever was taken has been given back.
    public static let rejected = "order.rejected"
    /// The customer changed their mind; refunded and restocked.
    public static let cancelled = "order.cancelled"
}

/// The `data` of every order event.
public struct OrderEventData: Hashable, Sendable, Codable {
    /// The order.
    public let orderID: OrderID
    /// Whose order it is.
    public let customerID: UserID
    /// What it costs, in cents.
    public let totalCents: Int64
    /// ISO 4217.
    public let currency: String
    /// What was ordered.
    public let lines: [QuotedLine]
    /// Why it was rejected: `out-of-stock`, `card-declined`, `timed-out`; nil otherwise.
    public let reason: String?

    /// What an event says of its order.
    public init(
        orderID: OrderID,
        customerID: UserID,
        totalCents: Int64,
        currency: String,
        lines: [QuotedLine],
        reason: String? = nil
    ) {
        self.orderID = orderID
        self.customerID = customerID
        self.totalCents = totalCents
        self.currency = currency
        self.lines = lines
        self.reason = reason
    }

    enum CodingKeys: String, CodingKey {
        case orderID = "order_id"
        case customerID = "customer_id"
        case totalCents = "total_cents"
        case currency, lines, reason
    }
}
