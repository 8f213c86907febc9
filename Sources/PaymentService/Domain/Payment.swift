internal import Contracts

/// One row of `payments`: what was asked for one order and how far it went.
struct Payment: Sendable, Equatable {
    let order: OrderID
    /// The provider's idempotency key, and what its answers are remembered by.
    let id: PaymentID
    /// Nil in a tombstone: a void that came before any charge knows no customer.
    let customer: UserID?
    let status: PaymentStatus
    let amountCents: Int64
    let currency: String
    /// Nil in a tombstone.
    let method: PaymentMethod?
    /// The provider's id of the charge's intent, once the money was taken.
    let intent: String?
    let declineCode: String?
    /// Whether the provider certainly remembers what the payment's key was used for.
    let keyIsFresh: Bool

    /// What was given back.
    var refundedCents: Int64 { status == .refunded ? amountCents : 0 }

    /// The request that this row was made for; nil in a tombstone.
    var request: ChargeRequest? {
        guard let customer, let method else { return nil }
        return ChargeRequest(
            customerID: customer,
            amountCents: amountCents,
            currency: currency,
            paymentMethod: method.token
        )
    }

    /// Whether an order that is charged again is charged for the same.
    func matches(_ request: ChargeRequest) -> Bool {
        customer == request.customerID && amountCents == request.amountCents
            && currency == request.currency && method?.token == request.paymentMethod
    }
}

extension Payment {
    /// The payment that an intent of ours was made for.
    init(_ intent: ProviderIntent, _ origin: ProviderIntent.Origin) {
        self.init(
            order: origin.order,
            id: origin.payment,
            customer: origin.customer,
            status: .captured,
            amountCents: intent.amountCents,
            currency: intent.currency,
            method: origin.method,
            intent: intent.id,
            declineCode: nil,
            keyIsFresh: true
        )
    }
}
