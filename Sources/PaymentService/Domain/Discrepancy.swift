internal import Contracts
internal import FoundationEssentials

/// One place where the provider and we did not agree.
struct Discrepancy: Sendable, Equatable {
    /// In which way.
    enum Kind: String, Sendable, CaseIterable {
        /// A charge succeeded and our row did not say so.
        case captureMissing = "capture_missing"
        /// The intent is ours and its payment was gone.
        case paymentLost = "payment_lost"
        /// Money was taken for an order that keeps none, or a second time.
        case stray
        /// We say refunded, the provider does not.
        case refundMissing = "refund_missing"
        /// Money at the provider whose record does not name an order of ours.
        case foreignIntent = "foreign_intent"
        /// Both know the charge, with different amounts.
        case amountDiffers = "amount_differs"
        /// We say captured, the provider does not know.
        case notCaptured = "not_captured"
        /// The provider gave money back that nobody here decided to give back.
        case refundedAtProvider = "refunded_at_provider"
    }

    enum State: String, Sendable {
        /// Somebody must look.
        case open
        /// We put it right.
        case repaired
        /// It is gone, and not through us.
        case settled
    }

    let kind: Kind
    let order: OrderID?
    let intent: String
    /// What our books say was kept.
    let ourCents: Int64
    /// What the provider says it keeps.
    let providerCents: Int64
    let state: State
}

/// A discrepancy as it is kept.
struct RecordedDiscrepancy: Sendable, Encodable {
    let id: Int64
    let discrepancy: Discrepancy
    let foundAt: Date
    let seenAt: Date

    private enum CodingKeys: String, CodingKey {
        case kind, state
        case orderID = "order_id"
        case intent = "provider_intent"
        case ourCents = "our_cents"
        case providerCents = "provider_cents"
        case foundAt = "found_at"
        case seenAt = "seen_at"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: CodingKeys.self)
        try out.encode(discrepancy.kind.rawValue, forKey: .kind)
        try out.encode(discrepancy.state.rawValue, forKey: .state)
        try out.encode(discrepancy.order, forKey: .orderID)
        try out.encode(discrepancy.intent, forKey: .intent)
        try out.encode(discrepancy.ourCents, forKey: .ourCents)
        try out.encode(discrepancy.providerCents, forKey: .providerCents)
        try out.encode(foundAt, forKey: .foundAt)
        try out.encode(seenAt, forKey: .seenAt)
    }
}

extension Payment {
    /// What our books say was taken and not given back.
    var keptCents: Int64 {
        switch status {
        case .captured, .refunding: amountCents
        case .processing, .declined, .voiding, .voided, .refunded: 0
        }
    }
}
