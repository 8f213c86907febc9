internal import FoundationEssentials

/// What one call to the provider proved.
enum ProviderAnswer: Sendable, Equatable {
    /// The money was taken.
    case charged(intent: String)
    /// Refused definitely; `code` is Stripe's decline code, or its error code where there is none.
    case declined(code: String)
    /// The fence stands: the key is bound to an intent that is never confirmed.
    case fenced(intent: String)
    /// There is no successful charge.
    case absent
    /// The fence's intent is cancelled.
    case cancelled
    /// The money went back.
    case refunded(refund: String)
    /// The key is bound to a request with other parameters.
    case keyTaken
    /// A request with this key is being worked on right now.
    case busy
    /// Nothing was proved: no answer, a fault on their side, or one that makes no sense. The reason
    /// is for the log.
    case unknown(String)
}

/// Reads the provider's answers. Only what Stripe documents as definite counts as definite;
/// everything else is unknown, and unknown is never taken for failed.
extension ProviderAnswer {
    /// `POST /v1/payment_intents` with `confirm=true`.
    static func ofCharge(status: Int, body: [UInt8]) -> ProviderAnswer {
        guard status == 200 else { return ofError(status: status, body: body) }
        guard let intent = StripeIntent.decode(body) else { return .unknown("unreadable intent") }
        return intent.status == "succeeded"
            ? .charged(intent: intent.id) : .unknown("intent is \(intent.status)")
    }

    /// `POST /v1/payment_intents` without confirmation, under the charge's key.
    static func ofFence(status: Int, body: [UInt8]) -> ProviderAnswer {
        guard status == 200 else { return ofError(status: status, body: body) }
        guard let intent = StripeIntent.decode(body) else { return .unknown("unreadable intent") }
        switch intent.status {
        case "requires_payment_method", "requires_confirmation", "canceled":
            return .fenced(intent: intent.id)
        default:
            return .unknown("fence is \(intent.status)")
        }
    }

    /// `GET /v1/payment_intents` of one order.
    static func ofLookUp(status: Int, body: [UInt8]) -> ProviderAnswer {
        guard status == 200 else { return unclear(ofError(status: status, body: body)) }
        guard let list = StripeList.decode(body) else { return .unknown("unreadable list") }
        if let paid = list.data.first(where: { $0.status == "succeeded" }) {
            return .charged(intent: paid.id)
        }
        let isOpen = list.has_more || list.data.contains { $0.status == "processing" }
        return isOpen ? .unknown("the list is not conclusive") : .absent
    }

    /// `POST /v1/payment_intents/{id}/cancel`.
    static func ofCancel(status: Int, body: [UInt8]) -> ProviderAnswer {
        if status == 200 {
            guard StripeIntent.decode(body)?.status == "canceled" else {
                return .unknown("intent was not cancelled")
            }
            return .cancelled
        }
        // Somebody cancelled it before us; Stripe encloses the intent.
        if status == 400, let error = StripeError.decode(body),
            error.code == "payment_intent_unexpected_state",
            error.payment_intent?.status == "canceled"
        {
            return .cancelled
        }
        return unclear(ofError(status: status, body: body))
    }

    /// `POST /v1/refunds` of the whole intent.
    static func ofRefund(status: Int, body: [UInt8]) -> ProviderAnswer {
        if status == 200 {
            guard let refund = StripeRefund.decode(body) else {
                return .unknown("unreadable refund")
            }
            // `pending` is Stripe's promise to pay; a failed refund comes back as `failed`.
            return refund.status == "succeeded" || refund.status == "pending"
                ? .refunded(refund: refund.id) : .unknown("refund is \(refund.status)")
        }
        // Refunded by hand at the provider: the customer has every cent.
        if status == 400, let error = StripeError.decode(body),
            error.code == "charge_already_refunded"
        {
            return .refunded(refund: "already_refunded")
        }
        return unclear(ofError(status: status, body: body))
    }

    /// A refusal is an answer to a charge, not to a cancellation or a refund.
    private static func unclear(_ answer: ProviderAnswer) -> ProviderAnswer {
        if case .declined(let code) = answer { return .unknown("refused: \(code)") }
        return answer
    }

    private static func ofError(status: Int, body: [UInt8]) -> ProviderAnswer {
        if status == 409 { return .busy }
        guard let error = StripeError.decode(body) else {
            return .unknown("status \(status) without a readable error")
        }
        switch (status, error.type) {
        case (402, "card_error"):
            return .declined(code: error.decline_code ?? error.code ?? "card_declined")
        case (400, "idempotency_error"):
            return .keyTaken
        case (400, "invalid_request_error") where Self.isAboutThePayment(error.param):
            return .declined(code: error.code ?? "invalid_request")
        default:
            // 401, 403, 429, 5xx: our fault, our speed or theirs. The charge may exist from before.
            return .unknown("status \(status) \(error.type) \(error.code ?? "")")
        }
    }

    /// The provider says that these values can never be charged; a replay of the same would say so too.
    private static func isAboutThePayment(_ param: String?) -> Bool {
        param == "payment_method" || param == "amount" || param == "currency"
    }
}

/// A payment intent, as far as we read it.
private struct StripeIntent: Decodable {
    let id: String
    let status: String

    static func decode(_ body: [UInt8]) -> StripeIntent? {
        try? JSONDecoder().decode(StripeIntent.self, from: Data(body))
    }
}

/// A page of intents, as far as we read it.
///
/// Names as on the wire.
private struct StripeList: Decodable {
    let data: [StripeIntent]
    let has_more: Bool

    static func decode(_ body: [UInt8]) -> StripeList? {
        try? JSONDecoder().decode(StripeList.self, from: Data(body))
    }
}

/// A refund, as far as we read it.
private struct StripeRefund: Decodable {
    let id: String
    let status: String

    static func decode(_ body: [UInt8]) -> StripeRefund? {
        try? JSONDecoder().decode(StripeRefund.self, from: Data(body))
    }
}

/// Stripe's error object, as far as we read it.
///
/// Names as on the wire.
private struct StripeError: Decodable {
    let type: String
    let code: String?
    let decline_code: String?
    let param: String?
    let payment_intent: StripeIntent?

    private struct Envelope: Decodable {
        let error: StripeError
    }

    static func decode(_ body: [UInt8]) -> StripeError? {
        try? JSONDecoder().decode(Envelope.self, from: Data(body)).error
    }
}
