internal import Contracts
internal import Postgres

/// Finds what products are called and cost; those that are not in the catalog are left out.
struct FindQuotedProducts: Statement {
    static let sql = """
        SELECT id, title, price_cents FROM products
        WHERE id = ANY ($1) AND withdrawn_at IS NULL
        """
    let ids: [ProductID]

    func bind(_ parameters: inout Parameters) {
        parameters.append(ids.map(\.uuid))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> QuotedProduct {
        QuotedProduct(id: ProductID(try row[0]), title: try row[1], priceCents: try row[2])
    }
}
