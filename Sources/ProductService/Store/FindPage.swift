internal import Contracts
internal import Postgres

/// Finds one page of a search and the first product behind it, in one order.
///
/// `$7` and `$8` are the sort key and id that the page begins behind, `$9` is how many to find.
protocol FindPage: Statement where Output == ProductHit {
    init(_ search: ProductSearch)
    var search: ProductSearch { get }
}

extension FindPage {
    /// The text for an order: how a product's key is computed, what lies behind the last page, and
    /// the ORDER BY clause.
    static func text(key: String, behind: String, order: String) -> String {
        """
        SELECT id, title, brand, category, price_cents, available, sort_key
        FROM (
            SELECT p.id, p.title, p.brand, p.category, p.price_cents, s.available,
                \(key) AS sort_key
            FROM products p JOIN stock s ON s.product_id = p.id
            WHERE \(SearchConditions.scope)
            AND \(SearchConditions.ofBrand)
            AND \(SearchConditions.ofPrice)
            AND \(SearchConditions.ofStock)
        ) AS hits
        WHERE $7::bigint IS NULL OR \(behind)
        ORDER BY \(order)
        LIMIT $9
        """
    }

    func bind(_ parameters: inout Parameters) {
        SearchConditions.bind(search.filters, &parameters)
        parameters.append(search.after?.key, search.after?.id, Int64(search.limit + 1))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ProductHit {
        ProductHit(
            id: ProductID(try row[0]),
            title: try row[1],
            brand: try row[2],
            category: try row[3],
            priceCents: try row[4],
            available: Int64(try row.decode(5, as: Int32.self)),
            sortKey: try row[6]
        )
    }
}

/// The most relevant first: where the words occur decides, title before description.
struct FindMostRelevant: FindPage {
    // Ranks are compared as whole millionths, so that a cursor holds exactly what was compared.
    static let sql = text(
        key: "(1000000 * ts_rank(p.search, websearch_to_tsquery('english', $1)))::bigint",
        behind: "(sort_key, id) < ($7, $8::uuid)",
        order: "sort_key DESC, id DESC"
    )
    let search: ProductSearch
    init(_ search: ProductSearch) { self.search = search }
}

/// The newest first; ids are made in order of time.
struct FindNewest: FindPage {
    static let sql = text(key: "0::bigint", behind: "id < $8::uuid", order: "id DESC")
    let search: ProductSearch
    init(_ search: ProductSearch) { self.search = search }
}

/// The cheapest first.
struct FindCheapest: FindPage {
    static let sql = text(
        key: "p.price_cents",
        behind: "(sort_key, id) > ($7, $8::uuid)",
        order: "sort_key, id"
    )
    let search: ProductSearch
    init(_ search: ProductSearch) { self.search = search }
}

/// The dearest first.
struct FindDearest: FindPage {
    static let sql = text(
        key: "p.price_cents",
        behind: "(sort_key, id) < ($7, $8::uuid)",
        order: "sort_key DESC, id DESC"
    )
    let search: ProductSearch
    init(_ search: ProductSearch) { self.search = search }
}
