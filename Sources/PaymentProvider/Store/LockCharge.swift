internal import Postgres

/// Finds the charge of an intent that succeeded, or its last try, and keeps others from changing it
/// until the transaction ends.
struct LockCharge: Statement {
    static let sql = """
        SELECT id, payment_intent, amount, amount_refunded, currency, status, created FROM charges
        WHERE id = (SELECT latest_charge FROM payment_intents WHERE id = $1)
        FOR UPDATE
        """
    let intent: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(intent)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Charge {
        Charge(
            id: try row[0],
            intent: try row[1],
            amount: try row[2],
            amountRefunded: try row[3],
            currency: try row[4],
            status: try row[5],
            created: try row[6]
        )
    }
}

extension Charge.Status: PostgresValue {}
