/// What the sandbox tells of by webhook: an event around the object that it is about.
///
/// JSON as in Stripe's API.
struct WebhookEvent<Object: Encodable & Sendable>: Sendable, Encodable {
    let id: String
    /// `payment_intent.succeeded`, `payment_intent.payment_failed`, `refund.created`.
    let type: String
    /// Seconds since 1970.
    let created: Int64
    let object: Object

    private enum Key: String, CodingKey {
        case id, object, type, created, livemode, data
    }

    private enum DataKey: String, CodingKey { case object }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode(id, forKey: .id)
        try out.encode("event", forKey: .object)
        try out.encode(type, forKey: .type)
        try out.encode(created, forKey: .created)
        try out.encode(false, forKey: .livemode)
        var data = out.nestedContainer(keyedBy: DataKey.self, forKey: .data)
        try data.encode(object, forKey: .object)
    }
}

/// A refund as a webhook tells of it: whose money moved; the rest is in the lists.
struct RefundOfIntent: Sendable, Encodable {
    let object = "refund"
    let intent: String

    private enum CodingKeys: String, CodingKey {
        case object, id
        case intent = "payment_intent"
    }

    init(_ intent: String) { self.intent = intent }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: CodingKeys.self)
        try out.encode(object, forKey: .object)
        try out.encode(intent, forKey: .id)
        try out.encode(intent, forKey: .intent)
    }
}
