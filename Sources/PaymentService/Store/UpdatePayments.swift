internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// A change that is to be made to a payment.
struct WantedChange: Sendable {
    let payment: Payment
    let change: PaymentChange
}

/// Applies one change to each of some payments, with its ledger rows, if the payment still has the
/// status that the change starts from; one that has not is left alone and has no row in the answer.
///
/// This is the only statement that moves payments. They must be distinct.
struct UpdatePayments: Statement {
    static let sql = """
        WITH changed AS (
            UPDATE payments SET status = c.to_status,
                provider_intent = coalesce(c.intent, provider_intent),
                provider_refund = coalesce(c.refund, provider_refund),
                decline_code = coalesce(c.code, decline_code),
                refunded_cents = CASE WHEN c.to_status = 'refunded' THEN amount_cents ELSE 0 END,
                updated_at = now()
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                AS c (changed_order, from_status, to_status, intent, refund, code)
            WHERE order_id = c.changed_order AND status = c.from_status
            RETURNING \(SelectPayment.columns)
        ), posted AS (
            INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents)
            SELECT e.transaction_id, changed.id, e.kind, e.account, e.cents
            FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::bigint[])
                AS e (entry_order, transaction_id, kind, account, cents)
            JOIN changed ON changed.order_id = e.entry_order
        ), told AS (
            \(ToldEvents.sql(first: 12))
        )
        SELECT * FROM changed
        """
    let changes: [WantedChange]
    let told: ToldEvents

    /// One line of the books.
    private struct Posting {
        let order: OrderID
        let transaction: UUID
        let kind: LedgerTransaction.Kind
        let entry: LedgerEntry
    }

    func bind(_ parameters: inout Parameters) {
        let moves = changes.map(\.change)
        parameters.append(changes.map(\.payment.order.uuid))
        parameters.append(moves.map(\.from.rawValue), moves.map(\.to.rawValue))
        parameters.append(moves.map(\.intent), moves.map(\.refund), moves.map(\.declineCode))
        let postings = changes.flatMap(Self.postings)
        parameters.append(postings.map(\.order.uuid), postings.map(\.transaction))
        parameters.append(postings.map(\.kind.rawValue), postings.map(\.entry.account.rawValue))
        parameters.append(postings.map(\.entry.amountCents))
        told.bind(&parameters)
    }

    private static func postings(_ wanted: WantedChange) -> [Posting] {
        guard let ledger = wanted.change.ledger(cents: wanted.payment.amountCents) else {
            return []
        }
        let transaction = UUIDv7.next()
        return ledger.entries.map { entry in
            Posting(
                order: wanted.payment.order,
                transaction: transaction,
                kind: ledger.kind,
                entry: entry
            )
        }
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Payment {
        try SelectPayment.decode(row)
    }
}
