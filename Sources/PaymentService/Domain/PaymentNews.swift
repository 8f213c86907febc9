internal import Contracts

/// What others are told of a change, in the transaction that makes it.
struct PaymentNews: Sendable, Equatable {
    /// A `PaymentEvent`.
    let type: String
    /// The first thing that became of the payment is 1, a refund after it 2.
    let sequence: Int64
    let data: PaymentEventData

    /// The news in a change of a payment; nil where it is a decision and not yet a result.
    init?(_ change: PaymentChange, of payment: Payment) {
        guard let customer = payment.customer else { return nil }
        switch change {
        case .capture, .captureToRefund: (type, sequence) = (PaymentEvent.captured, 1)
        case .decline: (type, sequence) = (PaymentEvent.declined, 1)
        case .refund: (type, sequence) = (PaymentEvent.refunded, 2)
        // A charge that was refused while it was being voided moved no money either way.
        case .startVoid, .startRefund, .void: return nil
        }
        data = PaymentEventData(
            orderID: payment.order,
            paymentID: payment.id,
            customerID: customer,
            amountCents: payment.amountCents,
            currency: payment.currency,
            declineCode: change.declineCode
        )
    }
}
