public import FoundationEssentials

/// The identity of one thing of a kind: a UUID of version 7 (RFC 9562 section 5.7), so that ids made
/// later sort later and an index over them grows at its end.
///
/// Orders' ids are of version 8: they follow from the customer and the idempotency key.
///
/// In JSON and in paths it is the canonical lower-case text of 36 characters.
public struct ID<Kind>: Hashable, Sendable {
    /// The bare UUID.
    public let uuid: UUID

    /// Wraps a UUID that is known to name a thing of this kind.
    public init(_ uuid: UUID) {
        self.uuid = uuid
    }

    /// A new identity, never used before.
    public static func next() -> ID { ID(UUIDv7.next()) }
}

extension ID: LosslessStringConvertible {
    /// Reads the canonical text; nil for anything else, upper case included.
    public init?(_ description: String) {
        guard let uuid = UUID(canonical: description) else { return nil }
        self.init(uuid)
    }

    /// The canonical lower-case text.
    public var description: String { uuid.canonical }
}

extension ID: Codable {
    /// Reads the canonical text from a JSON string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected a UUID in canonical lower-case form"
            )
        }
        self = id
    }

    /// Writes the canonical text as a JSON string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ID: Comparable {
    /// Older ids come first.
    public static func < (left: ID, right: ID) -> Bool { left.uuid.words < right.uuid.words }
}

/// Marks ids of orders.
public enum OrderKind {}
/// Marks ids of users.
public enum UserKind {}
/// Marks ids of products.
public enum ProductKind {}
/// Marks ids of payments.
public enum PaymentKind {}
/// Marks ids of sessions.
public enum SessionKind {}

/// Names one order.
public typealias OrderID = ID<OrderKind>
/// Names one user.
public typealias UserID = ID<UserKind>
/// Names one product.
public typealias ProductID = ID<ProductKind>
/// Names one payment.
public typealias PaymentID = ID<PaymentKind>
/// Names one session of a user.
public typealias SessionID = ID<SessionKind>
