internal import Contracts

/// A search as a client asked for it: filters, order, and which page.
struct ProductSearch: Sendable, Equatable {
    static let defaultLimit = 24
    static let maxLimit = 100
    static let maxBrands = 20
    /// What can be listed can be bought: one piece costs no more than can be charged.
    static let maxPriceCents = Int(ChargeRequest.maxAmountCents)

    var filters = SearchFilters()
    var order = SearchOrder.newest
    /// Where the previous page ended; nil for the first.
    var after: PageCursor?
    /// How many products a page holds.
    var limit = ProductSearch.defaultLimit

    init() {}

    /// Reads the query of `GET /products`, strictly: what is unknown, repeated or malformed is named,
    /// because a filter that is silently ignored shows a customer the wrong products.
    init(query: some Sequence<(name: String, value: String)>) throws(InvalidInput) {
        var inspection = Inspection()
        var reader = QueryReader(query)
        readFilters(&reader, &inspection)
        order = filters.words == nil ? .newest : .relevance
        if let name = reader.take("sort", &inspection) {
            let isKnown = SearchOrder(name: name) != nil
            let names = SearchOrder.allCases.map(\.name).joined(separator: ", ")
            inspection.require(isKnown, "sort", "must be one of \(names)")
            order = SearchOrder(name: name) ?? order
            inspection.require(
                order != .relevance || filters.words != nil || !isKnown,
                "sort",
                "can be relevance only together with q"
            )
        }
        if let text = reader.take("limit", &inspection) {
            limit = reader.number(text) ?? 0
            inspection.require(
                (1...Self.maxLimit).contains(limit),
                "limit",
                "must be a number from 1 to \(Self.maxLimit)"
            )
        }
        if let text = reader.take("cursor", &inspection) {
            after = PageCursor(text)
            let belongs = after?.order == order && after?.search == filters.fingerprint
            inspection.require(
                belongs,
                "cursor",
                "must be the next_cursor of the same search"
            )
        }
        for name in reader.rest {
            inspection.require(false, name, "is not a parameter of this search")
        }
        try inspection.finish()
    }

    private mutating func readFilters(_ reader: inout QueryReader, _ inspection: inout Inspection) {
        if let words = reader.take("q", &inspection) {
            inspection.require(text: words, "q", length: 1...200)
            filters.words = words
        }
        if let path = reader.take("category", &inspection) {
            filters.category = Category(path)
            inspection.require(
                filters.category != nil,
                "category",
                "must be a path such as Audio > Headphones"
            )
        }
        filters.brands = Set(reader.takeAll("brand")).sorted()
        inspection.require(
            filters.brands.count <= Self.maxBrands,
            "brand",
            "must occur at most \(Self.maxBrands) times"
        )
        for brand in filters.brands {
            inspection.require(text: brand, "brand", length: 1...80)
        }
        filters.minPrice = price("min_price", &reader, &inspection)
        filters.maxPrice = price("max_price", &reader, &inspection)
        if let low = filters.minPrice, let high = filters.maxPrice {
            inspection.require(low <= high, "max_price", "must not be below min_price")
        }
        if let text = reader.take("in_stock", &inspection) {
            inspection.require(
                ["true", "false"].contains(text),
                "in_stock",
                "must be true or false"
            )
            filters.inStock = text == "true"
        }
    }

    private func price(
        _ name: String,
        _ reader: inout QueryReader,
        _ inspection: inout Inspection
    ) -> Int? {
        guard let text = reader.take(name, &inspection) else { return nil }
        let cents = reader.number(text)
        inspection.require(
            cents.map { $0 <= Self.maxPriceCents } ?? false,
            name,
            "must be a whole number of cents from 0 to \(Self.maxPriceCents)"
        )
        return cents
    }
}

/// Hands out query parameters by name and knows what nobody asked for.
struct QueryReader {
    private var values: [String: [String]] = [:]

    init(_ query: some Sequence<(name: String, value: String)>) {
        for (name, value) in query { values[name, default: []].append(value) }
    }

    /// The value of a parameter that may occur once.
    mutating func take(_ name: String, _ inspection: inout Inspection) -> String? {
        let found = takeAll(name)
        inspection.require(found.count <= 1, name, "must not be repeated")
        return found.first
    }

    /// Every value of a parameter that may be repeated.
    mutating func takeAll(_ name: String) -> [String] {
        values.removeValue(forKey: name) ?? []
    }

    /// Names that nobody took.
    var rest: [String] { values.keys.sorted() }

    /// A whole number in plain digits; nil for a sign, a space, a point or too many digits.
    func number(_ text: String) -> Int? {
        guard (1...18).contains(text.utf8.count) else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
