internal import Contracts
internal import FoundationEssentials

/// A message that is to reach a customer, and the event that it tells of.
struct Delivery: Sendable, Equatable {
    let eventID: UUID
    let userID: UserID
    let orderID: OrderID
    /// The event's type, such as `order.confirmed`.
    let kind: String
    let channel: Channel
    let message: Message
    /// The trace that the event happened in.
    let traceparent: String?
}

/// The way that a message takes.
enum Channel: String, Sendable {
    /// The customer's list of notifications.
    case inbox
}

/// A delivery as its customer sees it.
struct Notification: Sendable, Equatable {
    let id: UUID
    /// Its place in the list; later ones have higher numbers.
    let position: Int64
    let orderID: OrderID
    let kind: String
    let channel: String
    let subject: String
    let body: String
    let createdAt: Date
}

extension Notification: Encodable {
    enum CodingKeys: String, CodingKey {
        case id
        case orderID = "order_id"
        case kind, channel, subject, body
        case createdAt = "created_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.canonical, forKey: .id)
        try container.encode(orderID, forKey: .orderID)
        try container.encode(kind, forKey: .kind)
        try container.encode(channel, forKey: .channel)
        try container.encode(subject, forKey: .subject)
        try container.encode(body, forKey: .body)
        try container.encode(createdAt, forKey: .createdAt)
    }
}
