internal import Postgres

/// What one request would create, and answer.
struct IntentCreation: Sendable {
    let request: KeyedRequest
    let answer: StoredAnswer
    let plan: IntentPlan
}

/// Creates intents with their charges, keys and answers, each all or nothing, if its key is free.
///
/// Otherwise nothing is written for it, and its row says why: the key is worked on by another request
/// right now (`isLocked`), or was used before. The keys must be distinct; rows come in any order.
struct InsertIntents: Statement {
    static let sql = """
        WITH wanted AS MATERIALIZED (
            SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[],
                $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[])
                WITH ORDINALITY
                AS w (key, fingerprint, answer_status, body, id, amount, currency, status,
                    payment_method, order_id, metadata, charge_id, failure_code,
                    failure_decline_code, failure_message, created, charge_status, place)
        ), guard AS MATERIALIZED (
            SELECT place, pg_try_advisory_xact_lock(hashtextextended(key, 0)) AS is_free
            FROM wanted
        ), claimed AS (
            INSERT INTO idempotency_keys (key, fingerprint, status, body)
            SELECT key, sha256(convert_to(fingerprint, 'UTF8')), answer_status, body
            FROM wanted JOIN guard USING (place) WHERE is_free
            ON CONFLICT (key) DO NOTHING
            RETURNING key
        ), intent AS (
            INSERT INTO payment_intents
                (id, amount, currency, status, payment_method, order_id, metadata, latest_charge,
                failure_code, failure_decline_code, failure_message, created)
            SELECT id, amount, currency, status, payment_method, order_id, metadata, charge_id,
                failure_code, failure_decline_code, failure_message, created
            FROM wanted JOIN claimed USING (key)
        ), charge AS (
            INSERT INTO charges (id, payment_intent, amount, currency, status, created)
            SELECT charge_id, id, amount, currency, charge_status, created
            FROM wanted JOIN claimed USING (key) WHERE charge_id IS NOT NULL
        )
        SELECT place, NOT is_free, claimed.key IS NOT NULL
        FROM wanted JOIN guard USING (place) LEFT JOIN claimed USING (key)
        """
    let creations: [IntentCreation]

    func bind(_ parameters: inout Parameters) {
        let (plans, intents) = (creations.map(\.plan), creations.map(\.plan.intent))
        parameters.append(
            creations.map(\.request.key),
            creations.map(\.request.fingerprint),
            creations.map { Int32($0.answer.status) },
            creations.map(\.answer.body)
        )
        parameters.append(intents.map(\.id), intents.map(\.amount), intents.map(\.currency))
        parameters.append(intents.map(\.status.rawValue), intents.map(\.paymentMethod))
        parameters.append(intents.map { $0.metadata["order_id"] })
        parameters.append(intents.map { Metadata($0.metadata).text }, plans.map { $0.charge?.id })
        parameters.append(
            intents.map { $0.failure?.code },
            intents.map { $0.failure?.declineCode },
            intents.map { $0.failure?.message }
        )
        parameters.append(intents.map(\.created), plans.map { $0.charge?.status.rawValue })
    }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (index: Int, claim: IntentClaim) {
        let place: Int = try row[0]
        let isLocked: Bool = try row[1]
        let isNew: Bool = try row[2]
        return (place - 1, isNew ? .created : isLocked ? .locked : .usedBefore)
    }
}

/// What became of a key that an intent was to be created under.
enum IntentClaim: Sendable {
    case created
    /// Another request works on the key right now.
    case locked
    case usedBefore
}

extension PaymentIntent.Status: PostgresValue {}
