internal import Contracts
internal import FoundationEssentials

/// A product in a list.
struct ProductHit: Sendable, Equatable, Encodable {
    let id: ProductID
    let title: String
    let brand: String
    let category: String
    let priceCents: Int64
    let currency = Money.platformCurrency
    let available: Int64
    let inStock: Bool
    /// Its value in the order of the list; what a cursor continues from.
    let sortKey: Int64

    init(
        id: ProductID,
        title: String,
        brand: String,
        category: String,
        priceCents: Int64,
        available: Int64,
        sortKey: Int64
    ) {
        self.id = id
        self.title = title
        self.brand = brand
        self.category = category
        self.priceCents = priceCents
        self.available = available
        inStock = available > 0
        self.sortKey = sortKey
    }

    enum CodingKeys: String, CodingKey {
        case id, title, brand, category
        case priceCents = "price_cents"
        case currency, available
        case inStock = "in_stock"
    }
}

/// The answer of `GET /products`: one page, where the next one begins, and on the first page what
/// there is to narrow the search by.
struct SearchResult: Sendable, Encodable {
    let items: [ProductHit]
    let nextCursor: String?
    let facets: Facets?

    /// Cuts a page out of `hits`, which were asked for with one more than the page holds: that one
    /// tells whether there is a next page.
    init(_ search: ProductSearch, hits: [ProductHit], facets: Facets?) {
        items = Array(hits.prefix(search.limit))
        self.facets = facets
        guard hits.count > search.limit, let last = items.last else {
            nextCursor = nil
            return
        }
        nextCursor =
            PageCursor(
                order: search.order,
                search: search.filters.fingerprint,
                key: last.sortKey,
                id: last.id.uuid
            ).text
    }

    enum CodingKeys: String, CodingKey {
        case items
        case nextCursor = "next_cursor"
        case total
        case totalIsExact = "total_is_exact"
        case facets
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(items, forKey: .items)
        // Written as null at the end, so that a client can tell the end from a field it misspelled.
        try container.encode(nextCursor, forKey: .nextCursor)
        guard let facets else { return }
        try container.encode(facets.total, forKey: .total)
        try container.encode(facets.isExact, forKey: .totalIsExact)
        try container.encode(facets, forKey: .facets)
    }
}
