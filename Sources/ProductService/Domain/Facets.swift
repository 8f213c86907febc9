/// How many products there would be behind each way to narrow a search.
///
/// Category counts are for the level below the chosen category. Brand, price and stock counts leave
/// their own filter aside, so that choosing one brand still shows what the others have.
struct Facets: Sendable, Equatable {
    /// Counting stops after so many products, which keeps the widest search within its time; the
    /// counts are lower bounds then.
    static let mostCounted = 10_000

    /// Where one price band ends and the next begins, in cents.
    static let priceBounds: [Int64] = [2_500, 5_000, 10_000, 25_000, 50_000, 100_000]

    /// One way to narrow a search.
    struct Choice: Sendable, Equatable, Encodable {
        let value: String
        let count: Int64
    }

    /// Prices from `min` to `max`, in cents, both inclusive; what `min_price` and `max_price` take.
    struct Band: Sendable, Equatable {
        let min: Int64
        let max: Int64?
        let count: Int64
    }

    /// One row of the counting statement.
    struct Count: Sendable, Equatable {
        let facet: String
        let value: String
        let count: Int64
    }

    /// How many products the search finds.
    private(set) var total: Int64 = 0
    /// Whether all of them were counted.
    private(set) var isExact = true
    private(set) var categories: [Choice] = []
    private(set) var brands: [Choice] = []
    private(set) var prices: [Band] = []
    private(set) var inStock: Int64 = 0
    private(set) var outOfStock: Int64 = 0

    /// Sorts the statement's rows into facets.
    init(_ counts: [Count]) {
        for row in counts {
            switch row.facet {
            case "seen": isExact = row.count < Self.mostCounted
            case "total": total = row.count
            case "category": categories.append(Choice(value: row.value, count: row.count))
            case "brand": brands.append(Choice(value: row.value, count: row.count))
            case "price": prices += Self.band(row)
            case "in_stock" where row.value == "true": inStock = row.count
            case "in_stock": outOfStock = row.count
            default: preconditionFailure("CountFacets returned a facet it does not define")
            }
        }
    }

    private static func band(_ row: Count) -> [Band] {
        guard let index = Int(row.value), (0...priceBounds.count).contains(index) else { return [] }
        let min = index == 0 ? 0 : priceBounds[index - 1]
        let max = index == priceBounds.count ? nil : priceBounds[index] - 1
        return [Band(min: min, max: max, count: row.count)]
    }
}

extension Facets: Encodable {
    enum CodingKeys: String, CodingKey {
        case category, brand, price
        case inStock = "in_stock"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(categories, forKey: .category)
        try container.encode(brands, forKey: .brand)
        try container.encode(prices, forKey: .price)
        try container.encode(
            [
                Choice(value: "true", count: inStock), Choice(value: "false", count: outOfStock),
            ],
            forKey: .inStock
        )
    }
}

extension Facets.Band: Encodable {
    enum CodingKeys: String, CodingKey {
        case min = "min_price"
        case max = "max_price"
        case count
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(min, forKey: .min)
        try container.encode(max, forKey: .max)
        try container.encode(count, forKey: .count)
    }
}
