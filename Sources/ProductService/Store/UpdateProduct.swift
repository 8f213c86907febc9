internal import Contracts
internal import Postgres

/// Changes what the change names, if the product still has one of the versions the editor saw;
/// returns no row when it has not, or when there is no such product.
struct UpdateProduct: Statement {
    static let sql = """
        WITH p AS (
            UPDATE products SET
                title = coalesce($3, title), brand = coalesce($4, brand),
                category = coalesce($5, category), price_cents = coalesce($6, price_cents),
                description = coalesce($7, description), attributes = coalesce($8, attributes),
                version = version + 1, updated_at = now()
            WHERE id = $1 AND withdrawn_at IS NULL
              AND ($2::bigint[] IS NULL OR version = ANY ($2))
            RETURNING \(ProductRow.written)
        )
        SELECT \(ProductRow.columns) FROM p JOIN stock s ON s.product_id = p.id
        """
    let id: ProductID
    let change: ProductChange
    /// The versions that `If-Match` allows; nil for any.
    let versions: [Int64]?

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            id.uuid,
            versions,
            change.title,
            change.brand,
            change.category,
            change.priceCents,
            change.description,
            change.attributes.map { JSONBytes($0).text }
        )
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Product {
        try ProductRow.decode(row)
    }
}
