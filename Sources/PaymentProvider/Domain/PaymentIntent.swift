/// What somebody is to pay, and how far that went.
///
/// JSON as in Stripe's API.
struct PaymentIntent: Sendable, Equatable {
    enum Status: String, Sendable, CaseIterable, Encodable {
        case requiresPaymentMethod = "requires_payment_method"
        case requiresConfirmation = "requires_confirmation"
        case succeeded
        case canceled
    }

    /// Why the last try to charge failed.
    struct Failure: Sendable, Equatable {
        let code: String
        let declineCode: String
        let message: String
    }

    let id: String
    let amount: Int64
    let currency: String
    var status: Status
    var paymentMethod: String?
    var metadata: [String: String]
    var latestCharge: String?
    var failure: Failure?
    var canceledAt: Int64?
    /// Seconds since 1970.
    let created: Int64

    var amountReceived: Int64 { status == .succeeded ? amount : 0 }
}

extension PaymentIntent: Encodable {
    private enum Key: String, CodingKey {
        case id, object, amount, currency, status, metadata, created, livemode
        case amountCapturable = "amount_capturable"
        case amountReceived = "amount_received"
        case canceledAt = "canceled_at"
        case captureMethod = "capture_method"
        case confirmationMethod = "confirmation_method"
        case failure = "last_payment_error"
        case latestCharge = "latest_charge"
        case paymentMethod = "payment_method"
        case types = "payment_method_types"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode(id, forKey: .id)
        try out.encode("payment_intent", forKey: .object)
        try out.encode(amount, forKey: .amount)
        try out.encode(0, forKey: .amountCapturable)
        try out.encode(amountReceived, forKey: .amountReceived)
        try out.encode(canceledAt, forKey: .canceledAt)
        try out.encode("automatic", forKey: .captureMethod)
        try out.encode("automatic", forKey: .confirmationMethod)
        try out.encode(created, forKey: .created)
        try out.encode(currency, forKey: .currency)
        try out.encode(failure, forKey: .failure)
        try out.encode(latestCharge, forKey: .latestCharge)
        try out.encode(false, forKey: .livemode)
        try out.encode(metadata, forKey: .metadata)
        try out.encode(paymentMethod, forKey: .paymentMethod)
        try out.encode(["card"], forKey: .types)
        try out.encode(status, forKey: .status)
    }
}

extension PaymentIntent.Failure: Encodable {
    private enum Key: String, CodingKey {
        case type, code, message
        case declineCode = "decline_code"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode("card_error", forKey: .type)
        try out.encode(code, forKey: .code)
        try out.encode(declineCode, forKey: .declineCode)
        try out.encode(message, forKey: .message)
    }
}
