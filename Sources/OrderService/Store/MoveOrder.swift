internal import Contracts
internal import Postgres
internal import ServiceKit

/// Moves an order from one status to the next; no row comes back when it had another one.
struct MoveOrder: Statement {
    static let sql = """
        UPDATE orders SET status = $3, updated_at = $4, version = version + 1
        WHERE id = $1 AND status = $2
        RETURNING \(OrderColumns.list)
        """
    let order: Order
    let from: OrderStatus

    init(to order: Order, from: OrderStatus) {
        self.order = order
        self.from = from
    }

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.id, from, order.status, order.updatedAt)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Order {
        try OrderColumns.decode(row)
    }
}
