internal import Contracts
internal import Postgres

/// Gives an order's lines back, or refuses them in advance; see `release_stock` in the migrations.
struct ReleaseStock: Statement {
    static let sql = "SELECT release_stock($1)"
    let order: OrderID

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.uuid)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ReleaseOutcome {
        let found: String = try row[0]
        guard let outcome = ReleaseOutcome(rawValue: found) else {
            throw .decoding("release_stock returned \(found)")
        }
        return outcome
    }
}
