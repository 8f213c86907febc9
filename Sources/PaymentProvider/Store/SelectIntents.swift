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

/// Lists the intents of one order, newest first, one more than asked for.
struct SelectIntentsOfOrder: Statement {
    static let sql = """
        SELECT i.id, i.amount, i.currency, i.status, payment_method, metadata, latest_charge,
            failure_code, failure_decline_code, failure_message, canceled_at, i.created,
            c.amount_refunded, c.status
        FROM payment_intents i LEFT JOIN charges c ON c.id = i.latest_charge
        WHERE i.order_id = $1
        ORDER BY i.number DESC LIMIT $2 + 1
        """
    let orderID: String
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(orderID, Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ExpandedIntent {
        try ExpandedIntent.decode(row)
    }
}

/// Lists the intents of a span of time, newest first, one more than asked for.
struct SelectIntents: Statement {
    static let sql = """
        SELECT i.id, i.amount, i.currency, i.status, payment_method, metadata, latest_charge,
            failure_code, failure_decline_code, failure_message, canceled_at, i.created,
            c.amount_refunded, c.status
        FROM payment_intents i LEFT JOIN charges c ON c.id = i.latest_charge
        WHERE i.created >= $1 AND i.created < $2 AND (i.created, i.number) < ($3, $4)
        ORDER BY i.created DESC, i.number DESC LIMIT $5 + 1
        """
    let window: ListWindow
    let after: ListWindow.Place

    func bind(_ parameters: inout Parameters) {
        parameters.append(window.from, window.to, after.created, after.number)
        parameters.append(Int64(window.limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ExpandedIntent {
        try ExpandedIntent.decode(row)
    }
}

/// Finds one intent with its charge.
struct SelectExpandedIntent: Statement {
    static let sql = """
        SELECT i.id, i.amount, i.currency, i.status, payment_method, metadata, latest_charge,
            failure_code, failure_decline_code, failure_message, canceled_at, i.created,
            c.amount_refunded, c.status
        FROM payment_intents i LEFT JOIN charges c ON c.id = i.latest_charge
        WHERE i.id = $1
        """
    let id: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(id)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ExpandedIntent {
        try ExpandedIntent.decode(row)
    }
}

/// Finds where an intent stands in the lists.
struct SelectIntentPlace: Statement {
    static let sql = "SELECT created, number FROM payment_intents WHERE id = $1"
    let id: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(id)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ListWindow.Place {
        ListWindow.Place(created: try row[0], number: try row[1])
    }
}

extension ExpandedIntent {
    /// An intent's columns, then those of its charge that the intent does not hold.
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ExpandedIntent {
        let intent = try PaymentIntent.decode(row)
        let refunded: Int64? = try row[12]
        let status: Charge.Status? = try row[13]
        guard let refunded, let status, let charge = intent.latestCharge else {
            return ExpandedIntent(intent: intent, charge: nil)
        }
        return ExpandedIntent(
            intent: intent,
            charge: Charge(
                id: charge,
                intent: intent.id,
                amount: intent.amount,
                amountRefunded: refunded,
                currency: intent.currency,
                status: status,
                created: intent.created
            )
        )
    }
}
