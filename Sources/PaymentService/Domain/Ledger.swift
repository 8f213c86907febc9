/// The books that money moves between.
enum LedgerAccount: String, Sendable, CaseIterable {
    /// What the payment provider owes us.
    case providerClearing = "provider_clearing"
    /// What customers paid us.
    case customerReceipts = "customer_receipts"
}

/// One line of a transaction: a debit is positive, a credit negative, in integer cents.
struct LedgerEntry: Sendable, Equatable {
    let account: LedgerAccount
    let amountCents: Int64
}

/// A double-entry transaction.
///
/// It cannot be built unbalanced: the initialisers take one amount and write both sides.
struct LedgerTransaction: Sendable, Equatable {
    /// What happened; a payment has each kind at most once (a unique index enforces it).
    enum Kind: String, Sendable, CaseIterable {
        case capture, refund
    }

    let kind: Kind
    let entries: [LedgerEntry]

    /// Money came in: debit what the provider owes us, credit what the customer paid.
    static func capture(cents: Int64) -> LedgerTransaction {
        LedgerTransaction(
            kind: .capture,
            debit: .providerClearing,
            credit: .customerReceipts,
            cents
        )
    }

    /// Money went back: the capture, reversed.
    static func refund(cents: Int64) -> LedgerTransaction {
        LedgerTransaction(kind: .refund, debit: .customerReceipts, credit: .providerClearing, cents)
    }

    private init(kind: Kind, debit: LedgerAccount, credit: LedgerAccount, _ cents: Int64) {
        precondition(cents > 0, "a ledger transaction moves a positive amount")
        self.kind = kind
        self.entries = [
            LedgerEntry(account: debit, amountCents: cents),
            LedgerEntry(account: credit, amountCents: -cents),
        ]
    }
}
