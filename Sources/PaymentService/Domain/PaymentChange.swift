/// One edge of the payment's state machine, as the database applies it: a compare and swap from one
/// status to the next, with the ledger rows that belong to it in the same transaction.
enum PaymentChange: Sendable, Equatable {
    /// processing → captured
    case capture(intent: String)
    /// processing → declined
    case decline(code: String)
    /// processing → voiding
    case startVoid
    /// captured → refunding
    case startRefund
    /// voiding → voided
    case void(code: String?)
    /// voiding → refunding: the charge went through after all, so it enters the books first.
    case captureToRefund(intent: String)
    /// refunding → refunded
    case refund(refund: String)

    /// The status the row must have.
    var from: PaymentStatus {
        switch self {
        case .capture, .decline, .startVoid: .processing
        case .startRefund: .captured
        case .void, .captureToRefund: .voiding
        case .refund: .refunding
        }
    }

    /// The status it gets.
    var to: PaymentStatus {
        switch self {
        case .capture: .captured
        case .decline: .declined
        case .startVoid: .voiding
        case .startRefund, .captureToRefund: .refunding
        case .void: .voided
        case .refund: .refunded
        }
    }

    /// The provider's intent, where it became known.
    var intent: String? {
        switch self {
        case .capture(let intent), .captureToRefund(let intent): intent
        case .decline, .startVoid, .startRefund, .void, .refund: nil
        }
    }

    /// The provider's refund, where it became known.
    var refund: String? {
        guard case .refund(let refund) = self else { return nil }
        return refund
    }

    /// Why the provider refused, where it did.
    var declineCode: String? {
        switch self {
        case .decline(let code): code
        case .void(let code): code
        case .capture, .startVoid, .startRefund, .captureToRefund, .refund: nil
        }
    }

    /// What the books say of it, for a payment of this many cents.
    func ledger(cents: Int64) -> LedgerTransaction? {
        switch self {
        case .capture, .captureToRefund: .capture(cents: cents)
        case .refund: .refund(cents: cents)
        case .decline, .startVoid, .startRefund, .void: nil
        }
    }
}
