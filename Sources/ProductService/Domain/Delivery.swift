internal import Contracts
internal import FoundationEssentials
internal import Reactor

/// The body of `POST /products/{id}/stock`: pieces that came in.
struct DeliveryRequest: Sendable, Equatable, Decodable {
    static let maxQuantity: Int64 = 1_000_000

    var quantity: Int64

    /// Throws what is wrong with it.
    func validate() throws(InvalidInput) {
        guard (1...Self.maxQuantity).contains(quantity) else {
            throw InvalidInput("/quantity", "must be a number from 1 to \(Self.maxQuantity)")
        }
    }
}

/// A delivery as it was booked; asking again with the same key gives the same receipt.
struct DeliveryReceipt: Sendable, Equatable {
    let movementID: UUID
    let productID: ProductID
    let quantity: Int64
    /// What could be sold right after it came in.
    let availableAfter: Int64
    let recordedAt: Date
}

extension DeliveryReceipt: Encodable {
    enum CodingKeys: String, CodingKey {
        case movementID = "movement_id"
        case productID = "product_id"
        case quantity
        case availableAfter = "available_after"
        case recordedAt = "recorded_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(movementID.canonical, forKey: .movementID)
        try container.encode(productID, forKey: .productID)
        try container.encode(quantity, forKey: .quantity)
        try container.encode(availableAfter, forKey: .availableAfter)
        try container.encode(Timestamp.text(recordedAt), forKey: .recordedAt)
    }
}

/// What became of a delivery.
enum DeliveryOutcome: Sendable, Equatable {
    case recorded(DeliveryReceipt)
    /// The same delivery was booked before, with this receipt.
    case replayed(DeliveryReceipt)
    /// The key was used for another delivery.
    case mismatch
    case unknownProduct
}
