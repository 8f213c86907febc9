internal import Contracts
internal import Postgres
internal import ServiceKit

/// What a key has led to so far.
struct KnownKey: Sendable {
    let orderID: OrderID
    let fingerprint: [UInt8]
    /// Nil while the order is pending.
    let answer: OrderAnswer?
}

/// Finds what a customer's idempotency key has led to.
struct FindAnswer: Statement {
    static let sql = """
        SELECT id, fingerprint, answer_status, answer FROM orders
        WHERE customer_id = $1 AND idempotency_key = $2
        """
    let customer: UserID
    let key: IdempotencyKey

    func bind(_ parameters: inout Parameters) { parameters.append(customer, key) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> KnownKey {
        let status: Int32? = try row[2]
        let body: JSONText? = try row[3]
        var answer: OrderAnswer?
        if let status, let body { answer = OrderAnswer(status: Int(status), body: body.bytes) }
        return KnownKey(orderID: try row[0], fingerprint: try row[1], answer: answer)
    }
}
