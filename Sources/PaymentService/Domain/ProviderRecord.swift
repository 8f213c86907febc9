internal import Contracts

/// A payment intent as the provider has it, with what became of its charge.
struct ProviderIntent: Sendable, Equatable {
    let id: String
    /// Whether the money was taken.
    let isPaid: Bool
    let amountCents: Int64
    /// ISO 4217, upper case.
    let currency: String
    let refundedCents: Int64
    /// Seconds since 1970, by the provider's clock.
    let created: Int64
    /// What we wrote on it; nil where it is not ours.
    let origin: Origin?

    /// The metadata that every intent of ours carries.
    struct Origin: Sendable, Equatable {
        let order: OrderID
        let payment: PaymentID
        let customer: UserID?
        let method: PaymentMethod?

        /// Whether a lost payment can be told from it: its id was the order's own.
        var isComplete: Bool {
            payment.uuid == order.uuid && customer != nil && method != nil
        }
    }

    /// What the provider took and did not give back.
    var keptCents: Int64 { isPaid ? amountCents - refundedCents : 0 }
}

/// A refund as the provider has it.
struct ProviderRefund: Sendable, Equatable {
    let id: String
    let intent: String
    let amountCents: Int64
    /// Whether the money goes back, or went; false once that failed.
    let isGood: Bool
    /// Nil where it does not say so.
    let order: OrderID?
}
