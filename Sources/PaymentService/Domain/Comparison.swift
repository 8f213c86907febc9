/// What the provider's record of an intent and our payment's row say to each other.
///
/// Pure, and only as true as its two inputs: see `ProviderAudit.examine` for how they are read.
enum Comparison: Sendable, Equatable {
    /// Both say the same of the money.
    case agrees
    /// Somebody is at work on it; later it will agree, or be looked at again.
    case pending
    /// The charge succeeded and its result never reached our row.
    case captureMissing
    /// The intent is ours and its row is gone: committed once, and lost with a database.
    case paymentLost
    /// The provider took money for an order that keeps none, or took it a second time.
    case stray
    /// We say that the money went back, and the provider still has it.
    case refundMissing
    /// Nothing that we could do would be right.
    case unclear(Discrepancy.Kind)

    /// Compares a row, or its absence, with an intent.
    init(_ payment: Payment?, _ intent: ProviderIntent) {
        guard let origin = intent.origin else {
            self = intent.keptCents > 0 ? .unclear(.foreignIntent) : .agrees
            return
        }
        guard let payment else {
            // The row is committed before the provider hears of it, so it was here.
            switch intent.keptCents {
            case 0: self = .agrees
            case intent.amountCents where origin.isComplete: self = .paymentLost
            default: self = .unclear(.foreignIntent)
            }
            return
        }
        self = Self.known(payment, intent)
    }

    /// Compares a row with the absence of the intent that it names.
    init(withoutIntent payment: Payment) {
        switch payment.status {
        case .captured, .refunding: self = .unclear(.notCaptured)
        case .processing, .voiding: self = .pending
        case .declined, .voided, .refunded: self = .agrees
        }
    }

    private static func known(_ payment: Payment, _ intent: ProviderIntent) -> Comparison {
        guard let recorded = payment.intent else { return unrecorded(payment, intent) }
        guard recorded == intent.id else { return intent.keptCents > 0 ? .stray : .agrees }
        guard intent.isPaid else { return Comparison(withoutIntent: payment) }
        guard payment.amountCents == intent.amountCents, payment.currency == intent.currency
        else { return .unclear(.amountDiffers) }
        switch payment.status {
        case .captured:
            return intent.refundedCents == 0 ? .agrees : .unclear(.refundedAtProvider)
        case .refunded: return intent.keptCents == 0 ? .agrees : .refundMissing
        case .refunding, .processing, .voiding: return .pending
        case .declined, .voided: return intent.keptCents > 0 ? .stray : .agrees
        }
    }

    private static func unrecorded(_ payment: Payment, _ intent: ProviderIntent) -> Comparison {
        guard intent.isPaid else { return .agrees }
        switch payment.status {
        case .processing:
            guard payment.amountCents == intent.amountCents, payment.currency == intent.currency
            else { return .unclear(.amountDiffers) }
            return .captureMissing
        case .voiding: return .pending
        case .declined, .voided, .captured, .refunding, .refunded:
            return intent.keptCents > 0 ? .stray : .agrees
        }
    }
}
