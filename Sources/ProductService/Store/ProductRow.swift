internal import Contracts
internal import Postgres

/// The columns of a product in the order that `ProductRow.decode` reads them.
enum ProductRow {
    /// For a statement whose tables are `p` (products) and `s` (stock).
    static let columns = """
        p.id, p.title, p.brand, p.category, p.price_cents, p.description, p.attributes, \
        s.available, p.version, p.created_at, p.updated_at
        """

    /// For a statement that has just written the product, to be read as `p`.
    static let written = """
        id, title, brand, category, price_cents, description, attributes, version, created_at, \
        updated_at
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Product {
        Product(
            id: ProductID(try row[0]),
            title: try row[1],
            brand: try row[2],
            category: try row[3],
            priceCents: try row[4],
            description: try row[5],
            attributes: try row.json(6),
            available: Int64(try row.decode(7, as: Int32.self)),
            version: Int64(try row.decode(8, as: Int32.self)),
            createdAt: try row[9],
            updatedAt: try row[10]
        )
    }
}
