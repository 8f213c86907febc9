/// Where a payment stands.
///
/// Stored as text in `payments.status`.
///
///     processing ──▶ captured ──▶ refunding ──▶ refunded
///         │  └─────▶ declined        ▲
///         └──▶ voiding ──────────────┘
///                 └─────▶ voided ◀── (tombstone: a void that came before any charge)
enum PaymentStatus: String, Sendable, CaseIterable {
    /// The intent to charge is committed; what the provider did is not known yet.
    case processing
    /// The money was taken and the ledger says so.
    case captured
    /// The provider refused definitely; no money moved and none ever will.
    case declined
    /// A void is decided while the charge's result is unknown; it can no longer end as captured.
    case voiding
    /// The charge is in the ledger and is being given back.
    case refunding
    /// No money moved, and a charge that arrives late is refused.
    case voided
    /// Every cent went back.
    case refunded

    /// What the outside may see: `voiding` and `refunding` are decisions, not results, so a
    /// customer sees the last result until the next one is certain.
    var visible: PaymentStatus {
        switch self {
        case .voiding: .processing
        case .refunding: .captured
        case .processing, .captured, .declined, .voided, .refunded: self
        }
    }

    /// Nothing moves a final payment, except a void a captured one.
    var isFinal: Bool {
        switch self {
        case .declined, .voided, .refunded: true
        case .processing, .captured, .voiding, .refunding: false
        }
    }
}
