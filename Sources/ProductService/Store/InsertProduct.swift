internal import Contracts
internal import Postgres

/// Adds a product with its first stock and the movement that explains it, all in one statement.
struct InsertProduct: Statement {
    static let sql = """
        WITH p AS (
            INSERT INTO products
                (id, title, brand, category, price_cents, description, attributes)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            RETURNING \(ProductRow.written)
        ), s AS (
            INSERT INTO stock (product_id, available)
            SELECT id, $8::bigint FROM p
            RETURNING available
        ), movement AS (
            INSERT INTO stock_movements
                (product_id, quantity, reason, available_after, recorded_by)
            SELECT id, $8::bigint, 'initial', $8::bigint, $9 FROM p
        )
        SELECT \(ProductRow.columns) FROM p, s
        """
    let id: ProductID
    let draft: ProductDraft
    let person: UserID

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            id.uuid,
            draft.title,
            draft.brand,
            draft.category,
            draft.priceCents,
            draft.description,
            JSONBytes(draft.attributes ?? Attributes()).text,
            draft.stock ?? 0,
            person.uuid
        )
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Product {
        try ProductRow.decode(row)
    }
}
