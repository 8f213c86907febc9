internal import Postgres

/// The columns of `refunds` in the order that `Refund` is read from them.
extension Refund {
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Refund {
        let metadata: Metadata = try row[5]
        return Refund(
            id: try row[0],
            intent: try row[1],
            charge: try row[2],
            amount: try row[3],
            currency: try row[4],
            metadata: metadata.entries,
            created: try row[6]
        )
    }
}

/// Lists the refunds of one intent, newest first, one more than asked for.
struct SelectRefundsOfIntent: Statement {
    static let sql = """
        SELECT id, payment_intent, charge, amount, currency, metadata, created FROM refunds
        WHERE payment_intent = $1
        ORDER BY number DESC LIMIT $2 + 1
        """
    let intent: String
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(intent, Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Refund {
        try Refund.decode(row)
    }
}

/// Lists the refunds of a span of time, newest first, one more than asked for.
struct SelectRefunds: Statement {
    static let sql = """
        SELECT id, payment_intent, charge, amount, currency, metadata, created FROM refunds
        WHERE created >= $1 AND created < $2 AND (created, number) < ($3, $4)
        ORDER BY created DESC, number DESC LIMIT $5 + 1
        """
    let window: ListWindow
    let after: ListWindow.Place

    func bind(_ parameters: inout Parameters) {
        parameters.append(window.from, window.to, after.created, after.number)
        parameters.append(Int64(window.limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Refund {
        try Refund.decode(row)
    }
}

/// Finds where a refund stands in the list.
struct SelectRefundPlace: Statement {
    static let sql = "SELECT created, number FROM refunds WHERE id = $1"
    let id: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(id)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ListWindow.Place {
        ListWindow.Place(created: try row[0], number: try row[1])
    }
}
