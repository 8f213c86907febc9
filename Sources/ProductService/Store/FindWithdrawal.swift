internal import Contracts
internal import Postgres

/// Tells whether a product was taken out of the catalog; no row if it never was in it.
struct FindWithdrawal: Statement {
    static let sql = "SELECT withdrawn_at IS NOT NULL FROM products WHERE id = $1"
    let id: ProductID

    func bind(_ parameters: inout Parameters) {
        parameters.append(id.uuid)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Bool { try row[0] }
}
