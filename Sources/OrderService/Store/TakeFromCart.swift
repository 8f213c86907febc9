internal import Contracts
internal import Postgres

/// Takes the lines that an order buys out of its customer's cart, in the order's own transaction.
///
/// Fails when one of them is not what was seen: it was changed, taken out, or bought by another order.
struct TakeFromCart: MergeableStatement {
    static let sql = Merged.sql
    let customer: UserID
    let lines: [(product: ProductID, entry: Cart.Entry)]
    /// When they are taken, and by which order.
    let stamp: CartStamp

    /// The whole of a cart, for an order.
    ///
    /// - Parameter wall: milliseconds since 1970, as this machine believes.
    init(_ cart: Cart, of customer: UserID, for order: OrderID, wall: Int64) {
        self.customer = customer
        lines = cart.lines
        stamp = cart.stamp(order.description, wall: wall)
    }

    func bind(_ parameters: inout Parameters) { Merged(all: [self]).bind(&parameters) }

    /// Whether an error means that a cart was not what was seen.
    static func isRefusal(_ error: DatabaseError) -> Bool {
        if case .server(sqlState: "CT001", _) = error { return true }
        return false
    }

    /// Takes the lines of many orders.
    struct Merged: Statement {
        static let sql = "SELECT cart_take($1, $2, $3, $4)"
        let all: [TakeFromCart]

        func bind(_ parameters: inout Parameters) {
            parameters.append(
                all.flatMap { take in take.lines.map { _ in take.customer.uuid } },
                all.flatMap { $0.lines.map(\.product.uuid) },
                all.flatMap { $0.lines.map(\.entry.stamp.description) },
                all.flatMap { take in take.lines.map { _ in take.stamp.description } }
            )
        }
    }

    static func merged(_ statements: [TakeFromCart]) -> Merged { Merged(all: statements) }
}
