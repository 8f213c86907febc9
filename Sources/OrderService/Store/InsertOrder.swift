internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

/// Inserts a pending order; a key that the customer used before violates a constraint.
struct InsertOrder: Statement {
    static let sql = """
        INSERT INTO orders (id, customer_id, idempotency_key, fingerprint, status, total_cents,
            currency, payment_method, shipping_address, lines, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $10)
        """
    /// The constraints that a repeated key violates: the order's id follows from customer and key.
    static let keyConstraints: Set<String> = ["orders_pkey", "orders_customer_key"]

    let order: Order
    let key: IdempotencyKey
    let fingerprint: [UInt8]
    let address: JSONText
    let lines: JSONText

    init(_ order: Order, key: IdempotencyKey, fingerprint: [UInt8]) throws(DatabaseError) {
        self.order = order
        self.key = key
        self.fingerprint = fingerprint
        do {
            address = JSONText(try JSON.encode(order.shippingAddress))
            lines = JSONText(try JSON.encode(order.lines))
        } catch {
            throw .decoding("an order's address or lines are not JSON")
        }
    }

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            order.id,
            order.customer,
            key,
            fingerprint,
            order.total.cents,
            order.total.currency,
            order.paymentMethod,
            address,
            lines,
            order.createdAt
        )
    }
}
