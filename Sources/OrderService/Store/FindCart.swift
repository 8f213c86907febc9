internal import Contracts
internal import Messaging
internal import Postgres
internal import ServiceKit

/// A cart as it is stored, with what a change to it must be made to.
struct StoredCart: Sendable {
    let cart: Cart
    /// Counts changes; zero for one that nobody has written yet.
    let version: Int64

    /// The entity tag of this version (RFC 9110 section 8.8.3).
    var entityTag: String { "\"v\(version)\"" }
}

/// Finds a customer's cart: a row for each of its lines, or one row without a line.
struct FindCart: Statement {
    static let sql = """
        SELECT c.version, c.settled, l.product_id, l.quantity, l.stamp
        FROM carts AS c LEFT JOIN cart_lines AS l ON l.customer_id = c.customer_id
        WHERE c.customer_id = $1
        """
    let customer: UserID

    struct Found: Sendable {
        let version: Int64
        let settled: HybridLogicalClock.Reading
        let line: (product: ProductID, entry: Cart.Entry)?
    }

    func bind(_ parameters: inout Parameters) { parameters.append(customer) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Found {
        let product: ProductID? = try row[2]
        var line: (ProductID, Cart.Entry)?
        if let product {
            guard let stamp = CartStamp(try row.decode(4, as: String.self)) else {
                throw .decoding("a stamp of a cart is none")
            }
            line = (product, Cart.Entry(quantity: try row[3], stamp: stamp))
        }
        return Found(version: try row[0], settled: try row[1], line: line)
    }
}

extension Database {
    /// A customer's cart; an empty one for somebody who never had any.
    func cart(of customer: UserID) async throws(DatabaseError) -> StoredCart {
        let rows = try await all(FindCart(customer: customer))
        let lines = rows.compactMap(\.line).map { ($0.product, $0.entry) }
        let cart = Cart(
            Dictionary(lines) { first, _ in first },
            settled: rows.first?.settled ?? 0
        )
        return StoredCart(cart: cart, version: rows.first?.version ?? 0)
    }
}
