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

/// Finds what some customers' idempotency keys have led to; a key that is new has no row.
struct FindAnswers: Statement {
    static let sql = """
        SELECT o.id, o.fingerprint, o.answer_status, o.answer, k.place
        FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS k (customer, key, place)
        JOIN orders AS o ON o.customer_id = k.customer AND o.idempotency_key = k.key
        """
    let asked: [FindAnswer]

    func bind(_ parameters: inout Parameters) {
        parameters.append(asked.map(\.customer.uuid), asked.map(\.key.rawValue))
    }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (index: Int, known: KnownKey) {
        (try row.decode(4, as: Int.self) - 1, try FindAnswer.decode(row))
    }
}

extension Database {
    /// What these keys have led to, in their order; nil for one that is new.
    func answers(_ asked: [FindAnswer]) async throws(DatabaseError) -> [KnownKey?] {
        var answers = [KnownKey?](repeating: nil, count: asked.count)
        for row in try await all(FindAnswers(asked: asked))
        where answers.indices.contains(row.index) {
            answers[row.index] = row.known
        }
        return answers
    }
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
