/// What the payment service says has happened; the `type` of the event and the shape of its `data`.
public enum PaymentEvent {
    /// The money for an order was taken.
    public static let captured = "payment.captured"
    /// All of it went back.
    public static let refunded = "payment.refunded"
    /// The provider refused the card; no money moved.
    public static let declined = "payment.declined"
}

/// The `data` of every payment event.
public struct PaymentEventData: Hashable, Sendable, Codable {
    /// The order that was paid for.
    public let orderID: OrderID
    /// The payment.
    public let paymentID: PaymentID
    /// Who paid.
    public let customerID: UserID
    /// How much was taken, given back or refused, in cents.
    public let amountCents: Int64
    /// ISO 4217.
    public let currency: String
    /// Why the card was refused; nil otherwise.
    public let declineCode: String?

    /// What an event says of its payment.
    public init(
        orderID: OrderID,
        paymentID: PaymentID,
        customerID: UserID,
        amountCents: Int64,
        currency: String,
        declineCode: String? = nil
    ) {
        self.orderID = orderID
        self.paymentID = paymentID
        self.customerID = customerID
        self.amountCents = amountCents
        self.currency = currency
        self.declineCode = declineCode
    }

    enum CodingKeys: String, CodingKey {
        case orderID = "order_id"
        case paymentID = "payment_id"
        case customerID = "customer_id"
        case amountCents = "amount_cents"
        case currency
        case declineCode = "decline_code"
    }
}
