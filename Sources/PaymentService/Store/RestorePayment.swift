internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Writes a payment that was lost as the provider remembers it, captured, with its ledger rows and its
/// event; does nothing if the order has a payment.
struct RestorePayment: Statement {
    static let sql = """
        WITH changed AS (
            INSERT INTO payments (order_id, id, customer_id, status, amount_cents, currency,
                payment_method, provider_intent, created_at)
            VALUES ($1, $2, $3, 'captured', $4, $5, $6, $7, to_timestamp($8))
            ON CONFLICT DO NOTHING
            RETURNING id, order_id
        ), told AS (
            \(ToldEvents.sql(first: 12))
        )
        INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents)
        SELECT $9, changed.id, 'capture', entry.account, entry.amount_cents
        FROM changed, unnest($10::text[], $11::bigint[]) AS entry (account, amount_cents)
        """
    let intent: ProviderIntent
    let origin: ProviderIntent.Origin
    let told: ToldEvents

    func bind(_ parameters: inout Parameters) {
        parameters.append(origin.order.uuid, origin.payment.uuid, origin.customer?.uuid)
        parameters.append(intent.amountCents, intent.currency, origin.method?.token, intent.id)
        let entries = LedgerTransaction.capture(cents: intent.amountCents).entries
        parameters.append(Double(intent.created), UUIDv7.next())
        parameters.append(entries.map(\.account.rawValue), entries.map(\.amountCents))
        told.bind(&parameters)
    }
}
