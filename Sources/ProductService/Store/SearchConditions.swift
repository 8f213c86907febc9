internal import Postgres

/// What the search statements have in common: `$1` to `$6` are the filters.
///
/// An absent filter is NULL, so one prepared text serves every combination. That needs a plan made for
/// the values at hand, which `PlanForTheseValues` asks for.
enum SearchConditions {
    /// Words and category: what narrows the products before any facet is counted.
    static let scope = """
        p.withdrawn_at IS NULL
        AND ($1::text IS NULL OR p.search @@ websearch_to_tsquery('english', $1))
        AND ($2::text IS NULL OR p.category = $2
            OR (p.category >= $2 || ' > ' AND p.category < $2 || ' >!'))
        """
    static let ofBrand = "(cardinality($3::text[]) = 0 OR p.brand = ANY ($3))"
    static let ofPrice = """
        (($4::bigint IS NULL OR p.price_cents >= $4)
        AND ($5::bigint IS NULL OR p.price_cents <= $5))
        """
    static let ofStock = "($6::boolean IS NULL OR (s.available > 0) = $6)"

    static func bind(_ filters: SearchFilters, _ parameters: inout Parameters) {
        parameters.append(
            filters.words,
            filters.category?.path,
            filters.brands,
            filters.minPrice,
            filters.maxPrice,
            filters.inStock
        )
    }
}

/// Makes PostgreSQL plan the statements behind it in the same transaction for their values.
///
/// A generic plan would have to suit every combination of filters and so suits none: it may walk the
/// whole catalog in price order for a word that three products have.
struct PlanForTheseValues: Statement {
    static let sql = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
}
