/// One try to take money from a card.
struct Charge: Sendable, Equatable {
    enum Status: String, Sendable, Encodable {
        case succeeded, failed
    }

    let id: String
    let intent: String
    let amount: Int64
    var amountRefunded: Int64
    let currency: String
    let status: Status
    let created: Int64

    /// What can still be given back.
    var refundable: Int64 { status == .succeeded ? amount - amountRefunded : 0 }
}

extension Charge: Encodable {
    private enum Key: String, CodingKey {
        case id, object, amount, currency, status, created, refunded
        case amountRefunded = "amount_refunded"
        case intent = "payment_intent"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode(id, forKey: .id)
        try out.encode("charge", forKey: .object)
        try out.encode(amount, forKey: .amount)
        try out.encode(amountRefunded, forKey: .amountRefunded)
        try out.encode(amountRefunded == amount, forKey: .refunded)
        try out.encode(currency, forKey: .currency)
        try out.encode(intent, forKey: .intent)
        try out.encode(status, forKey: .status)
        try out.encode(created, forKey: .created)
    }
}
