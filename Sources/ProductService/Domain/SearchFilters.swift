/// Which products a search is about; what every page and the facets of one search share.
struct SearchFilters: Sendable, Equatable {
    /// Words to look for; nil for all products.
    var words: String?
    /// Only this category and those below it.
    var category: Category?
    /// Any of these brands; empty for all.
    var brands: [String] = []
    /// The lowest price, in cents.
    var minPrice: Int?
    /// The highest price, in cents.
    var maxPrice: Int?
    /// Only products that can be bought now, or only those that cannot.
    var inStock: Bool?

    /// A number that differs, all but certainly, between different filters; a cursor carries it so
    /// that it cannot be used with a search it does not belong to (64-bit FNV-1a).
    var fingerprint: UInt64 {
        let parts: [String?] = [
            words, category?.path, minPrice.map(String.init), maxPrice.map(String.init),
            inStock.map { $0 ? "1" : "0" },
        ]
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        // Lengths go in too: otherwise text could move from one part to the next unnoticed.
        for part in parts + brands.map(Optional.some) {
            for byte in "\(part?.utf8.count ?? -1):\(part ?? "")".utf8 {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            }
        }
        return hash
    }
}

/// What comes first.
enum SearchOrder: UInt8, Sendable, CaseIterable {
    case relevance = 1
    case newest = 2
    case priceAscending = 3
    case priceDescending = 4

    /// The spelling of the `sort` parameter.
    var name: String {
        switch self {
        case .relevance: "relevance"
        case .newest: "newest"
        case .priceAscending: "price_asc"
        case .priceDescending: "price_desc"
        }
    }

    init?(name: String) {
        guard let order = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = order
    }
}
