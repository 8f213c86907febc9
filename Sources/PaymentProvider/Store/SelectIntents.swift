internal import Postgres

/// The columns of `payment_intents` in the order that `PaymentIntent` is read from them.
extension PaymentIntent {
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PaymentIntent {
        let metadata: Metadata = try row[5]
        let code: String? = try row[7]
        let declineCode: String? = try row[8]
        let message: String? = try row[9]
        var failure: Failure?
        if let code, let declineCode, let message {
            failure = Failure(code: code, declineCode: declineCode, message: message)
        }
        return PaymentIntent(
            id: try row[0],
            amount: try row[1],
            currency: try row[2],
            status: try row[3],
            paymentMethod: try row[4],
            metadata: metadata.entries,
            latestCharge: try row[6],
            failure: failure,
            canceledAt: try row[10],
            created: try row[11]
        )
    }
}

/// Finds one intent.
struct SelectIntent: Statement {
    static let sql = """
        SELECT id, amount, currency, status, payment_method, metadata, latest_charge, failure_code,
            failure_decline_code, failure_message, canceled_at, created
        FROM payment_intents WHERE id = $1
        """
    let id: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(id)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PaymentIntent {
        try PaymentIntent.decode(row)
    }
}

/// Finds one intent and keeps others from changing it until the transaction ends.
struct LockIntent: Statement {
    static let sql = SelectIntent.sql + " FOR UPDATE"
    let id: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(id)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PaymentIntent {
        try PaymentIntent.decode(row)
    }
}

/// Lists intents, newest first, one more than asked for; of one order, if one is named.
struct SelectIntents: Statement {
    static let sql = """
        SELECT id, amount, currency, status, payment_method, metadata, latest_charge, failure_code,
            failure_decline_code, failure_message, canceled_at, created
        FROM payment_intents
        WHERE ($1::text IS NULL OR order_id = $1)
            AND ($2::text IS NULL
                OR number < (SELECT after.number FROM payment_intents after WHERE after.id = $2))
        ORDER BY number DESC LIMIT $3 + 1
        """
    let orderID: String?
    let startingAfter: String?
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(orderID, startingAfter, Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PaymentIntent {
        try PaymentIntent.decode(row)
    }
}
