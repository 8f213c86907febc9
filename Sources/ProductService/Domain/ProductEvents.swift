internal import Contracts

/// What the product service says has happened: the type of an event.
///
/// Sales are not among them. Every checkout would pay for telling of them, and whoever needs the stock
/// to the piece asks for the product itself.
enum ProductEvent {
    static let created = "product.created"
    static let changed = "product.changed"
    static let withdrawn = "product.withdrawn"
    /// Pieces came in; the subject is the movement.
    static let delivered = "stock.delivered"
}

/// The content of events about a product.
struct ProductEventData: Sendable, Equatable, Codable {
    let productID: ProductID
    /// Counts changes of everything but the stock.
    let version: Int64

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case version
    }
}

/// The content of events about pieces that came in.
struct DeliveryEventData: Sendable, Equatable, Codable {
    let productID: ProductID
    let quantity: Int64

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case quantity
    }
}
