internal import Contracts

/// The body of `POST /products`: a product that is not in the catalog yet.
struct ProductDraft: Sendable, Equatable, Decodable {
    static let maxStock: Int64 = 1_000_000

    var title: String
    var brand: String
    var category: String
    var priceCents: Int64
    var description: String
    var attributes: Attributes?
    /// Pieces to begin with; none when left out.
    var stock: Int64?

    enum CodingKeys: String, CodingKey {
        case title, brand, category
        case priceCents = "price_cents"
        case description, attributes, stock
    }

    /// Throws what is wrong with it, field by field.
    func validate() throws(InvalidInput) {
        var inspection = Inspection()
        ProductRules.title(title, &inspection)
        ProductRules.brand(brand, &inspection)
        ProductRules.category(category, &inspection)
        ProductRules.price(priceCents, &inspection)
        ProductRules.description(description, &inspection)
        attributes?.inspect(&inspection, "/attributes")
        if let stock {
            inspection.require(
                (0...Self.maxStock).contains(stock),
                "/stock",
                "must be a number from 0 to \(Self.maxStock)"
            )
        }
        try inspection.finish()
    }
}

/// The body of `PATCH /products/{id}`: what is left out stays as it is.
///
/// Attributes are replaced as a whole; stock changes by deliveries and sales only.
struct ProductChange: Sendable, Equatable, Decodable {
    var title: String?
    var brand: String?
    var category: String?
    var priceCents: Int64?
    var description: String?
    var attributes: Attributes?

    enum CodingKeys: String, CodingKey {
        case title, brand, category
        case priceCents = "price_cents"
        case description, attributes
    }

    /// Throws what is wrong with it, field by field.
    func validate() throws(InvalidInput) {
        var inspection = Inspection()
        inspection.require(self != ProductChange(), "", "must have a member that can be changed")
        if let title { ProductRules.title(title, &inspection) }
        if let brand { ProductRules.brand(brand, &inspection) }
        if let category { ProductRules.category(category, &inspection) }
        if let priceCents { ProductRules.price(priceCents, &inspection) }
        if let description { ProductRules.description(description, &inspection) }
        attributes?.inspect(&inspection, "/attributes")
        try inspection.finish()
    }
}

/// What holds for every product, new or changed.
enum ProductRules {
    static func title(_ text: String, _ inspection: inout Inspection) {
        inspection.require(text: text, "/title", length: 1...200)
    }

    static func brand(_ text: String, _ inspection: inout Inspection) {
        inspection.require(text: text, "/brand", length: 1...80)
    }

    static func category(_ text: String, _ inspection: inout Inspection) {
        inspection.require(
            Category(text) != nil,
            "/category",
            "must be a path such as Audio > Headphones"
        )
    }

    static func price(_ cents: Int64, _ inspection: inout Inspection) {
        let highest = Int64(ProductSearch.maxPriceCents)
        inspection.require(
            (1...highest).contains(cents),
            "/price_cents",
            "must be a number of cents from 1 to \(highest)"
        )
    }

    static func description(_ text: String, _ inspection: inout Inspection) {
        inspection.require(text: text, "/description", length: 0...4000, lines: true)
    }
}
