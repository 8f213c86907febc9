internal import Contracts
internal import FoundationEssentials
internal import HTTP

/// An order that was taken while the database could not be reached.
struct SavedOrder: Sendable, Hashable {
    /// Pending: what is inserted once the database is back.
    let order: Order
    let key: IdempotencyKey
    /// What tells its checkout from another one of the same key.
    let fingerprint: [UInt8]

    /// Takes an order whose time is cut to what the journal keeps, so that it reads the same before and
    /// after a restart.
    init(_ order: Order, key: IdempotencyKey, fingerprint: [UInt8]) {
        self.init(
            order,
            key: key,
            fingerprint: fingerprint,
            microseconds: Int64((order.createdAt.timeIntervalSince1970 * 1e6).rounded())
        )
    }

    fileprivate init(
        _ order: Order,
        key: IdempotencyKey,
        fingerprint: [UInt8],
        microseconds: Int64
    ) {
        let time = Date(timeIntervalSince1970: Double(microseconds) / 1e6)
        self.order = Order(
            id: order.id,
            customer: order.customer,
            status: .pending,
            total: order.total,
            paymentMethod: order.paymentMethod,
            shippingAddress: order.shippingAddress,
            lines: order.lines,
            reason: nil,
            createdAt: time,
            updatedAt: time
        )
        self.key = key
        self.fingerprint = fingerprint
    }

    /// What its customer sees until it is placed.
    var document: SavedOrderDocument {
        var seen = order
        seen.status = .saved
        return SavedOrderDocument(order: OrderDocument(seen))
    }
}

/// A saved order as clients see it: an order, and what there is to say about it.
struct SavedOrderDocument: Sendable, Encodable {
    static let message = """
        We're experiencing temporary issues. Your order has been saved and will be processed shortly.
        """

    let order: OrderDocument

    private enum CodingKeys: CodingKey { case message }

    func encode(to encoder: any Encoder) throws {
        try order.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.message, forKey: .message)
    }
}

extension SavedOrder: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, customer, key, fingerprint, cents, currency, lines
        case paymentMethod = "payment_method"
        case shippingAddress = "shipping_address"
        case createdMicroseconds = "created_us"
    }

    /// The journal's JSON.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(order.id, forKey: .id)
        try container.encode(order.customer, forKey: .customer)
        try container.encode(key.rawValue, forKey: .key)
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(order.total.cents, forKey: .cents)
        try container.encode(order.total.currency, forKey: .currency)
        try container.encode(order.lines, forKey: .lines)
        try container.encode(order.paymentMethod, forKey: .paymentMethod)
        try container.encode(order.shippingAddress, forKey: .shippingAddress)
        let microseconds = (order.createdAt.timeIntervalSince1970 * 1e6).rounded()
        try container.encode(Int64(microseconds), forKey: .createdMicroseconds)
    }

    /// Reads the journal's JSON.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decode(String.self, forKey: .key)
        guard let key = IdempotencyKey(rawValue: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: .key,
                in: container,
                debugDescription: "is no idempotency key"
            )
        }
        let order = Order(
            id: try container.decode(OrderID.self, forKey: .id),
            customer: try container.decode(UserID.self, forKey: .customer),
            status: .pending,
            total: Money(
                cents: try container.decode(Int64.self, forKey: .cents),
                currency: try container.decode(String.self, forKey: .currency)
            ),
            paymentMethod: try container.decode(String.self, forKey: .paymentMethod),
            shippingAddress: try container.decode(ShippingAddress.self, forKey: .shippingAddress),
            lines: try container.decode([QuotedLine].self, forKey: .lines),
            reason: nil,
            createdAt: .distantPast,
            updatedAt: .distantPast
        )
        self.init(
            order,
            key: key,
            fingerprint: try container.decode([UInt8].self, forKey: .fingerprint),
            microseconds: try container.decode(Int64.self, forKey: .createdMicroseconds)
        )
    }
}
