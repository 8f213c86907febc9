/// Money given back.
///
/// JSON as in Stripe's API.
struct Refund: Sendable, Equatable {
    let id: String
    let intent: String
    let charge: String
    let amount: Int64
    let currency: String
    var metadata: [String: String]
    let created: Int64
}

extension Refund: Encodable {
    private enum Key: String, CodingKey {
        case id, object, amount, charge, created, currency, metadata, status
        case intent = "payment_intent"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode(id, forKey: .id)
        try out.encode("refund", forKey: .object)
        try out.encode(amount, forKey: .amount)
        try out.encode(charge, forKey: .charge)
        try out.encode(created, forKey: .created)
        try out.encode(currency, forKey: .currency)
        try out.encode(metadata, forKey: .metadata)
        try out.encode(intent, forKey: .intent)
        try out.encode("succeeded", forKey: .status)
    }
}
