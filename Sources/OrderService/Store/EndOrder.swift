internal import Contracts
internal import Postgres
internal import ServiceKit

/// Seals a pending order's fate, together with what its client is told.
///
/// The saga's fence, which goes before it in the same transaction, makes sure that this runs once.
struct EndOrder: Statement {
    static let sql = """
        UPDATE orders
        SET status = $2, reason = $3, answer_status = $4, answer = $5, updated_at = $6,
            version = version + 1
        WHERE id = $1 AND status = 'pending'
        """
    let order: Order
    let answer: OrderAnswer

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            order.id,
            order.status,
            order.reason,
            Int32(answer.status),
            JSONText(answer.body),
            order.updatedAt
        )
    }
}
