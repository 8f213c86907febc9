internal import Contracts
internal import Postgres

/// Finds a product that is in the catalog, with its stock.
struct FindProduct: Statement {
    static let sql = """
        SELECT \(ProductRow.columns)
        FROM products p JOIN stock s ON s.product_id = p.id
        WHERE p.id = $1 AND p.withdrawn_at IS NULL
        """
    let id: ProductID

    func bind(_ parameters: inout Parameters) {
        parameters.append(id.uuid)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Product {
        try ProductRow.decode(row)
    }
}
