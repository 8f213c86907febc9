internal import Contracts
internal import FoundationEssentials
internal import Reactor

/// One product as a customer sees it.
struct Product: Sendable, Equatable {
    let id: ProductID
    let title: String
    let brand: String
    let category: String
    let priceCents: Int64
    let description: String
    let attributes: Attributes
    /// How many can be bought now.
    let available: Int64
    /// Counts changes of everything but the stock.
    let version: Int64
    let createdAt: Date
    let updatedAt: Date

    /// The entity tag of this representation (RFC 9110 section 8.8.3): it changes with the data sheet
    /// and with the stock, since both are shown.
    var entityTag: String { "\"\(version)-\(available)\"" }
}

extension Product: Encodable {
    enum CodingKeys: String, CodingKey {
        case id, title, brand, category
        case priceCents = "price_cents"
        case currency, description, attributes
        case inStock = "in_stock"
        case available, version
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(title, forKey: .title)
        try container.encode(brand, forKey: .brand)
        try container.encode(category, forKey: .category)
        try container.encode(priceCents, forKey: .priceCents)
        try container.encode(Money.platformCurrency, forKey: .currency)
        try container.encode(description, forKey: .description)
        try container.encode(attributes, forKey: .attributes)
        try container.encode(available > 0, forKey: .inStock)
        try container.encode(available, forKey: .available)
        try container.encode(version, forKey: .version)
        try container.encode(Timestamp.text(createdAt), forKey: .createdAt)
        try container.encode(Timestamp.text(updatedAt), forKey: .updatedAt)
    }
}
