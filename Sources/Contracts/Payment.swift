/// `PUT /payments/{order_id}` of the payment service: charge this, once.
public struct ChargeRequest: Hashable, Sendable, Codable {
    /// Who pays.
    public let customerID: UserID
    /// How much, in cents, more than 0.
    public let amountCents: Int64
    /// ISO 4217.
    public let currency: String
    /// The provider's token for the customer's card, such as `pm_card_visa`.
    public let paymentMethod: String

    /// The most that can be charged at once: the provider takes eight digits of cents.
    public static let maxAmountCents: Int64 = 99_999_999

    /// What to charge to whom.
    public init(customerID: UserID, amountCents: Int64, currency: String, paymentMethod: String) {
        self.customerID = customerID
        self.amountCents = amountCents
        self.currency = currency
        self.paymentMethod = paymentMethod
    }

    enum CodingKeys: String, CodingKey {
        case customerID = "customer_id"
        case amountCents = "amount_cents"
        case currency
        case paymentMethod = "payment_method"
    }
}

/// Where a payment stands.
public struct PaymentReceipt: Hashable, Sendable, Codable {
    /// The order it is for.
    public let orderID: OrderID
    /// Nil when there never was a payment and there never will be one.
    public let paymentID: PaymentID?
    /// `captured`, `voided` or `refunded`.
    public let status: String
    /// How much was charged, in cents.
    public let amountCents: Int64
    /// ISO 4217.
    public let currency: String

    /// A payment's state.
    public init(
        orderID: OrderID,
        paymentID: PaymentID?,
        status: String,
        amountCents: Int64,
        currency: String
    ) {
        self.orderID = orderID
        self.paymentID = paymentID
        self.status = status
        self.amountCents = amountCents
        self.currency = currency
    }

    enum CodingKeys: String, CodingKey {
        case orderID = "order_id"
        case paymentID = "payment_id"
        case status
        case amountCents = "amount_cents"
        case currency
    }
}
