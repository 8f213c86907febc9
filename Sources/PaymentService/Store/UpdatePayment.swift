internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Applies one change to a payment, with its ledger rows and its event, if it still has the status that the
/// change starts from; otherwise does nothing.
///
/// This is the only statement that moves a payment.
struct UpdatePayment: Statement {
    static let sql = """
        WITH changed AS (
            UPDATE payments SET status = $3,
                provider_intent = coalesce($4, provider_intent),
                provider_refund = coalesce($5, provider_refund),
                decline_code = coalesce($6, decline_code),
                refunded_cents = CASE WHEN $3 = 'refunded' THEN amount_cents ELSE 0 END,
                updated_at = now()
            WHERE order_id = $1 AND status = $2
            RETURNING id, order_id
        ), told AS (
            \(ToldEvents.sql(first: 11))
        )
        INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents)
        SELECT $7, changed.id, $8, entry.account, entry.amount_cents
        FROM changed, unnest($9::text[], $10::bigint[]) AS entry (account, amount_cents)
        """
    let payment: Payment
    let change: PaymentChange
    let told: ToldEvents

    func bind(_ parameters: inout Parameters) {
        parameters.append(payment.order.uuid, change.from.rawValue, change.to.rawValue)
        parameters.append(change.intent, change.refund, change.declineCode)
        let ledger = change.ledger(cents: payment.amountCents)
        let entries = ledger?.entries ?? []
        parameters.append(UUIDv7.next(), ledger?.kind.rawValue)
        parameters.append(entries.map(\.account.rawValue), entries.map(\.amountCents))
        told.bind(&parameters)
    }
}
