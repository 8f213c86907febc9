internal import Postgres

/// Counts what is behind each way to narrow a search, over at most `Facets.mostCounted` products.
struct CountFacets: Statement {
    static let sql = """
        WITH found AS MATERIALIZED (
            SELECT p.category, p.brand, s.available > 0 AS in_stock,
                width_bucket(p.price_cents, $7::bigint[]) AS price_band,
                \(SearchConditions.ofBrand) AS of_brand,
                \(SearchConditions.ofPrice) AS of_price,
                \(SearchConditions.ofStock) AS of_stock
            FROM products p JOIN stock s ON s.product_id = p.id
            WHERE \(SearchConditions.scope)
            LIMIT $9
        )
        SELECT 'seen' AS facet, '' AS value, count(*) FROM found
        UNION ALL
        SELECT 'total', '', count(*) FROM found WHERE of_brand AND of_price AND of_stock
        UNION ALL
        (SELECT 'category', below.path, count(*)
        FROM found, LATERAL (
            SELECT array_to_string((string_to_array(category, ' > '))[1:$8::bigint::integer], ' > ')
                AS path) AS below
        WHERE of_brand AND of_price AND of_stock AND below.path IS DISTINCT FROM $2
        GROUP BY below.path ORDER BY count(*) DESC, below.path LIMIT 100)
        UNION ALL
        (SELECT 'brand', brand, count(*) FROM found WHERE of_price AND of_stock
        GROUP BY brand ORDER BY count(*) DESC, brand LIMIT 100)
        UNION ALL
        (SELECT 'price', price_band::text, count(*) FROM found WHERE of_brand AND of_stock
        GROUP BY price_band ORDER BY price_band)
        UNION ALL
        (SELECT 'in_stock', in_stock::text, count(*) FROM found WHERE of_brand AND of_price
        GROUP BY in_stock ORDER BY in_stock DESC)
        """
    let filters: SearchFilters

    func bind(_ parameters: inout Parameters) {
        SearchConditions.bind(filters, &parameters)
        parameters.append(
            Facets.priceBounds,
            Int64((filters.category?.depth ?? 0) + 1),
            Int64(Facets.mostCounted)
        )
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Facets.Count {
        Facets.Count(facet: try row[0], value: try row[1], count: try row[2])
    }
}
