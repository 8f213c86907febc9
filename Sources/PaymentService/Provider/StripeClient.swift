internal import Contracts

/// One call to Stripe's API.
struct StripeRequest: Sendable, Equatable {
    let path: String
    /// What makes a post happen once; nil for a request that only reads.
    let key: String?
    /// The content of a post, the query of a request that reads.
    let form: Form

    /// Whether the request only reads.
    var isRead: Bool { key == nil }
}

/// What came back: a status and a body, whatever they say.
struct StripeResponse: Sendable, Equatable {
    let status: Int
    let body: [UInt8]
}

/// Why nothing came back.
///
/// The request may have had its effect nevertheless.
struct NoResponse: Error, Sendable, Equatable {
    /// For the log; holds nothing of the request.
    let reason: String
}

/// Carries one request to the provider and its answer back, within a deadline.
protocol ProviderTransport: Sendable {
    /// Sends the request once.
    func send(_ request: StripeRequest) async throws(NoResponse) -> StripeResponse
}

/// Speaks Stripe's API for one payment at a time.
///
/// The charge's idempotency key is the payment's id, for ever and for one set of parameters. The fence
/// takes the same key with other parameters: whichever of the two arrives first keeps the other out.
struct StripeClient: ChargeProvider {
    let transport: any ProviderTransport
    /// Whether what is asked again is asked under the same key; false where that is left out on purpose.
    var repeatsKeys = true

    func charge(_ payment: Payment) async -> ProviderAnswer {
        guard let method = payment.method else { return .unknown("no payment method") }
        var form = Self.intent(payment)
        form.append("payment_method", method.token)
        form.append("confirm", "true")
        // Nobody is there to pass a challenge: a card that wants one is declined.
        form.append("error_on_requires_action", "true")
        return await ask(
            "/v1/payment_intents",
            payment.id.description,
            form,
            ProviderAnswer.ofCharge
        )
    }

    func lookUp(_ payment: Payment) async -> ProviderAnswer {
        var form = Form()
        // The search lags by up to a minute; what is looked up is a day old.
        form.append("query", "metadata['order_id']:'\(payment.order)'")
        form.append("limit", "100")
        return await ask("/v1/payment_intents/search", nil, form, ProviderAnswer.ofLookUp)
    }

    func fence(_ payment: Payment) async -> ProviderAnswer {
        let form = Self.intent(payment)
        return await ask(
            "/v1/payment_intents",
            payment.id.description,
            form,
            ProviderAnswer.ofFence
        )
    }

    func cancel(intent: String, of payment: Payment) async -> ProviderAnswer {
        guard Self.isID(intent) else { return .unknown("the intent's id is malformed") }
        var form = Form()
        form.append("cancellation_reason", "abandoned")
        return await ask(
            "/v1/payment_intents/\(intent)/cancel",
            "cancel:\(payment.id)",
            form,
            ProviderAnswer.ofCancel
        )
    }

    func refund(_ payment: Payment) async -> ProviderAnswer {
        guard let intent = payment.intent else { return .unknown("no intent to refund") }
        var form = Form()
        form.append("payment_intent", intent)
        form.append("metadata[order_id]", payment.order.description)
        return await ask("/v1/refunds", "refund:\(payment.id)", form, ProviderAnswer.ofRefund)
    }

    /// What charge and fence have in common.
    private static func intent(_ payment: Payment) -> Form {
        var form = Form()
        form.append("amount", String(payment.amountCents))
        form.append("currency", payment.currency.lowercased())
        form.append("payment_method_types[0]", "card")
        form.append("metadata[order_id]", payment.order.description)
        form.append("metadata[payment_id]", payment.id.description)
        // With these the payment could be told from the provider's record alone.
        if let customer = payment.customer {
            form.append("metadata[customer_id]", customer.description)
        }
        if let method = payment.method { form.append("metadata[payment_method]", method.token) }
        return form
    }

    /// An id goes into a path, so it must be one: letters, digits and underscores.
    static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    func ask(
        _ path: String,
        _ key: String?,
        _ form: Form,
        _ meaning: (_ status: Int, _ body: [UInt8]) -> ProviderAnswer
    ) async -> ProviderAnswer {
        do throws(NoResponse) {
            // A key that nobody has seen makes every request a new one.
            let key = repeatsKeys ? key : key.map { "\($0)-\(UInt64.random(in: 0 ... .max))" }
            let request = StripeRequest(path: path, key: key, form: form)
            let response = try await transport.send(request)
            return meaning(response.status, response.body)
        } catch {
            return .unknown(error.reason)
        }
    }
}
