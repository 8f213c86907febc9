internal import Contracts
internal import FoundationEssentials
internal import Postgres
internal import ServiceKit

/// A page of a customer's orders, newest first; `before` is the last id of the page before.
struct FindOrders: Statement {
    static let sql = """
        SELECT \(OrderColumns.list) FROM orders
        WHERE customer_id = $1 AND ($2::uuid IS NULL
            OR (created_at, id) < (SELECT created_at, id FROM orders WHERE id = $2))
        ORDER BY created_at DESC, id DESC LIMIT $3
        """
    let customer: UserID
    let before: OrderID?
    let limit: Int64

    func bind(_ parameters: inout Parameters) { parameters.append(customer, before, limit) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Order {
        try OrderColumns.decode(row)
    }
}
