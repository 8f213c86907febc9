internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Writes down a discrepancy, or that it was seen again; says whether that is news.
struct RecordDiscrepancy: Statement {
    static let sql = """
        WITH before AS (
            SELECT state FROM discrepancies WHERE provider_intent = $3 AND kind = $1
        )
        INSERT INTO discrepancies
            (kind, order_id, provider_intent, our_cents, provider_cents, state)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (provider_intent, kind) DO UPDATE SET state = excluded.state, seen_at = now(),
            our_cents = excluded.our_cents, provider_cents = excluded.provider_cents
        RETURNING state IS DISTINCT FROM (SELECT before.state FROM before)
        """
    let discrepancy: Discrepancy

    func bind(_ parameters: inout Parameters) {
        parameters.append(discrepancy.kind.rawValue, discrepancy.order?.uuid, discrepancy.intent)
        parameters.append(discrepancy.ourCents, discrepancy.providerCents)
        parameters.append(discrepancy.state.rawValue)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Bool { try row[0] }
}

/// Settles the open discrepancies of an intent that turned out to agree.
struct SettleDiscrepancies: Statement {
    static let sql = """
        UPDATE discrepancies SET state = 'settled', seen_at = now()
        WHERE provider_intent = $1 AND state = 'open'
        """
    let intent: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(intent)
    }
}
