internal import Contracts
internal import Postgres

/// Puts back into the cart what a rejected order took out of it, unless its customer has written the
/// line since; nothing for an order that was not made of a cart.
struct PutBackInCart: MergeableStatement {
    static let sql = Merged.sql
    let order: Order

    func bind(_ parameters: inout Parameters) { Merged(orders: [order]).bind(&parameters) }

    /// Puts back what many orders took.
    struct Merged: Statement {
        static let sql = "SELECT cart_put_back($1, $2, $3, $4)"
        let orders: [Order]

        func bind(_ parameters: inout Parameters) {
            parameters.append(
                orders.flatMap { order in order.lines.map { _ in order.customer.uuid } },
                orders.flatMap { order in order.lines.map { _ in order.id.description } },
                orders.flatMap { $0.lines.map(\.productID.uuid) },
                orders.flatMap { $0.lines.map(\.quantity) }
            )
        }
    }

    static func merged(_ statements: [PutBackInCart]) -> Merged {
        Merged(orders: statements.map(\.order))
    }
}
