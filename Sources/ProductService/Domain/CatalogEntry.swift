internal import Contracts
internal import FoundationEssentials

/// One product of the built-in catalog, as its file has it.
struct CatalogEntry: Sendable, Codable, Equatable {
    let id: ProductID
    let title: String
    let brand: String
    let category: String
    let priceCents: Int64
    let stock: Int64
    let description: String
    let attributes: Attributes

    enum CodingKeys: String, CodingKey {
        case id, title, brand, category
        case priceCents = "price_cents"
        case stock, description, attributes
    }

    /// The same product as an administrator would create it; the same rules hold for both.
    var draft: ProductDraft {
        ProductDraft(
            title: title,
            brand: brand,
            category: category,
            priceCents: priceCents,
            description: description,
            attributes: attributes,
            stock: stock
        )
    }
}

/// What the shop sells before anybody has stocked it.
enum BuiltInCatalog {
    /// Names this edition; another name would be seeded beside it.
    static let name = "anyway-2026"

    /// The departments' files, in the order of their products' ids.
    static var files: [[UInt8]] {
        [
            PackageResources.audio_json, PackageResources.tv_json,
            PackageResources.computers_json, PackageResources.cameras_json,
            PackageResources.appliances_json, PackageResources.home_json,
            PackageResources.health_json, PackageResources.music_json,
        ]
    }

    /// Reads the embedded files.
    static func entries() throws -> [CatalogEntry] {
        try files.flatMap { try JSONDecoder().decode([CatalogEntry].self, from: Data($0)) }
    }
}
