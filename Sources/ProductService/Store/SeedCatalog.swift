internal import Postgres

/// Loads the built-in catalog unless it was loaded before; returns how many products were added.
///
/// One statement, so one transaction: the row in `catalog_seeds` is its lock. Replicas that start
/// together wait at that INSERT; when the first commits, theirs inserts nothing, and nothing follows.
struct SeedCatalog: Statement {
    static let sql = """
        WITH seed AS (
            INSERT INTO catalog_seeds (name) VALUES ($1) ON CONFLICT (name) DO NOTHING
            RETURNING name
        ), goods AS (
            SELECT g.* FROM seed, jsonb_to_recordset($2) AS g (
                id uuid, title text, brand text, category text, price_cents bigint,
                stock integer, description text, attributes jsonb)
        ), added AS (
            INSERT INTO products
                (id, title, brand, category, price_cents, description, attributes)
            SELECT id, title, brand, category, price_cents, description, attributes FROM goods
            ON CONFLICT (id) DO NOTHING
            RETURNING id
        ), stocked AS (
            INSERT INTO stock (product_id, available)
            SELECT goods.id, goods.stock FROM goods JOIN added ON added.id = goods.id
        ), explained AS (
            INSERT INTO stock_movements (product_id, quantity, reason, available_after)
            SELECT goods.id, goods.stock, 'initial', goods.stock
            FROM goods JOIN added ON added.id = goods.id
        )
        SELECT count(*) FROM added
        """
    let name: String
    let entries: [CatalogEntry]

    func bind(_ parameters: inout Parameters) {
        parameters.append(name, JSONBytes(entries).text)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}
