internal import Contracts
internal import Messaging
internal import Postgres
internal import ServiceKit

/// Writes what has changed in a cart and gives its new version; no row comes back when the cart was
/// changed since it was read, and nothing is written then.
struct WriteCart: Statement {
    static let sql = """
        WITH written AS (
            INSERT INTO carts AS c (customer_id, version, settled) VALUES ($1, 1, $3)
            ON CONFLICT (customer_id)
            DO UPDATE SET version = c.version + 1, settled = excluded.settled
            WHERE c.version = $2
            RETURNING c.customer_id, c.version
        ), put AS (
            INSERT INTO cart_lines (customer_id, product_id, quantity, stamp)
            SELECT w.customer_id, p.product_id, p.quantity, p.stamp
            FROM written AS w,
                unnest($4::uuid[], $5::bigint[], $6::text[]) AS p (product_id, quantity, stamp)
            ON CONFLICT (customer_id, product_id)
            DO UPDATE SET quantity = excluded.quantity, stamp = excluded.stamp
        ), forgotten AS (
            DELETE FROM cart_lines AS l USING written AS w
            WHERE l.customer_id = w.customer_id AND l.product_id = ANY ($7::uuid[])
        )
        SELECT version FROM written
        """
    let customer: UserID
    let version: Int64
    let settled: HybridLogicalClock.Reading
    let written: [(product: ProductID, entry: Cart.Entry)]
    let forgotten: [ProductID]

    /// The change from a cart as it was read.
    init(_ cart: Cart, of customer: UserID, after stored: StoredCart) {
        self.customer = customer
        version = stored.version
        settled = cart.settled
        written = cart.entries.filter { stored.cart.entries[$0.key] != $0.value }
            .sorted { $0.key < $1.key }.map { (product: $0.key, entry: $0.value) }
        forgotten = stored.cart.entries.keys.filter { cart.entries[$0] == nil }
    }

    func bind(_ parameters: inout Parameters) {
        parameters.append(customer, version, settled)
        parameters.append(
            written.map(\.product.uuid),
            written.map(\.entry.quantity),
            written.map(\.entry.stamp.description)
        )
        parameters.append(forgotten.map(\.uuid))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}
