internal import Postgres

/// Lists refunds, newest first, one more than asked for; of one intent, if one is named.
struct SelectRefunds: Statement {
    static let sql = """
        SELECT id, payment_intent, charge, amount, currency, metadata, created FROM refunds
        WHERE ($1::text IS NULL OR payment_intent = $1)
            AND ($2::text IS NULL
                OR number < (SELECT after.number FROM refunds after WHERE after.id = $2))
        ORDER BY number DESC LIMIT $3 + 1
        """
    let intent: String?
    let startingAfter: String?
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(intent, startingAfter, Int64(limit))
    }

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
