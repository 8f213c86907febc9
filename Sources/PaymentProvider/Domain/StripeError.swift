internal import FoundationEssentials

/// An error as Stripe's API tells it (https://docs.stripe.com/api/errors): a status and one object.
struct StripeError: Error, Sendable, Equatable {
    let status: Int
    var type = "invalid_request_error"
    var code: String?
    var declineCode: String?
    let message: String
    var param: String?
    var charge: String?
    var intent: PaymentIntent?

    static let wrongKey = StripeError(status: 401, message: "Invalid API Key provided.")

    static let keyInUse = StripeError(
        status: 409,
        code: "idempotency_key_in_use",
        message: "There is currently another in-progress request using this Idempotent Key."
    )

    static let keyReused = StripeError(
        status: 400,
        type: "idempotency_error",
        message: """
            Keys for idempotent requests can only be used with the same parameters they were first \
            used with. Try using a key other than the one you used before.
            """
    )

    static let rateLimited = StripeError(
        status: 429,
        code: "rate_limit",
        message: "Request rate limit exceeded."
    )

    static let afterCharge = StripeError(
        status: 500,
        type: "api_error",
        message: "An error occurred, and the card says that it should."
    )

    static let storeUnavailable = StripeError(
        status: 503,
        type: "api_error",
        message: "The sandbox cannot reach its database."
    )

    static func missing(_ param: String) -> StripeError {
        StripeError(
            status: 400,
            code: "parameter_missing",
            message: "Missing required param: \(param).",
            param: param
        )
    }

    static func invalid(_ param: String, _ message: String, code: String? = nil) -> StripeError {
        StripeError(status: 400, code: code, message: message, param: param)
    }

    /// An object that a parameter names is not there.
    ///
    /// The value is not repeated: it came from outside.
    static func noSuch(_ object: String, param: String, status: Int = 400) -> StripeError {
        StripeError(
            status: status,
            code: "resource_missing",
            message: "No such \(object).",
            param: param
        )
    }
}

extension StripeError: Encodable {
    private enum Outer: String, CodingKey { case error }
    private enum Inner: String, CodingKey {
        case type, code, message, param, charge
        case declineCode = "decline_code"
        case intent = "payment_intent"
    }

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Outer.self)
        var inner = outer.nestedContainer(keyedBy: Inner.self, forKey: .error)
        try inner.encode(type, forKey: .type)
        try inner.encodeIfPresent(code, forKey: .code)
        try inner.encodeIfPresent(declineCode, forKey: .declineCode)
        try inner.encode(message, forKey: .message)
        try inner.encodeIfPresent(param, forKey: .param)
        try inner.encodeIfPresent(charge, forKey: .charge)
        try inner.encodeIfPresent(intent, forKey: .intent)
    }
}
