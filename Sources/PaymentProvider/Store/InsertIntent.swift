internal import Postgres

/// Creates an intent with its charge, its key and its answer, all or nothing, if the key is free.
///
/// Otherwise nothing is written, and the row says why: the key is worked on by another request right
/// now (`isLocked`), or was used before.
struct InsertIntent: Statement {
    static let sql = """
        WITH guard AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_free
        ), claimed AS (
            INSERT INTO idempotency_keys (key, fingerprint, status, body)
            SELECT $1, sha256(convert_to($2, 'UTF8')), $3, $4 FROM guard WHERE is_free
            ON CONFLICT (key) DO NOTHING
            RETURNING key
        ), intent AS (
            INSERT INTO payment_intents
                (id, amount, currency, status, payment_method, order_id, metadata, latest_charge,
                failure_code, failure_decline_code, failure_message, created)
            SELECT $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 FROM claimed
        ), charge AS (
            INSERT INTO charges (id, payment_intent, amount, currency, status, created)
            SELECT $12, $5, $6, $7, $17, $16 FROM claimed WHERE $12 IS NOT NULL
        )
        SELECT NOT is_free, EXISTS (SELECT FROM claimed) FROM guard
        """
    let request: KeyedRequest
    let answer: StoredAnswer
    let plan: IntentPlan

    func bind(_ parameters: inout Parameters) {
        let intent = plan.intent
        parameters.append(request.key, request.fingerprint, Int32(answer.status), answer.body)
        parameters.append(intent.id, intent.amount, intent.currency, intent.status)
        parameters.append(intent.paymentMethod, intent.metadata["order_id"])
        parameters.append(Metadata(intent.metadata), plan.charge?.id)
        parameters.append(
            intent.failure?.code,
            intent.failure?.declineCode,
            intent.failure?.message
        )
        parameters.append(intent.created, plan.charge?.status.rawValue)
    }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (isLocked: Bool, isNew: Bool) {
        (isLocked: try row[0], isNew: try row[1])
    }
}

extension PaymentIntent.Status: PostgresValue {}
