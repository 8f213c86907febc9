internal import Contracts
internal import FoundationEssentials
internal import Postgres
internal import ServiceKit

/// Finds an order.
struct FindOrder: Statement {
    static let sql = "SELECT \(OrderColumns.list) FROM orders WHERE id = $1"
    let id: OrderID

    func bind(_ parameters: inout Parameters) { parameters.append(id) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Order {
        try OrderColumns.decode(row)
    }
}

/// The columns that make an order, in the order they are read.
enum OrderColumns {
    static let list = """
        id, customer_id, status, total_cents, currency, payment_method, shipping_address, lines,
        reason, created_at, updated_at
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Order {
        let address: JSONText = try row[6]
        let lines: JSONText = try row[7]
        return Order(
            id: try row[0],
            customer: try row[1],
            status: try row[2],
            total: Money(cents: try row[3], currency: try row[4]),
            paymentMethod: try row[5],
            shippingAddress: try address.decode(),
            lines: try lines.decode(),
            reason: try row[8],
            createdAt: try row[9],
            updatedAt: try row[10]
        )
    }
}
