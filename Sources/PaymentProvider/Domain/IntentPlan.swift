/// What creating an intent will do, decided before the database is asked: a test card's outcome
/// depends on nothing but its token.
///
/// The store then commits intent, charge, key and answer at once, or finds the key used and does
/// nothing.
struct IntentPlan: Sendable, Equatable {
    let intent: PaymentIntent
    let charge: Charge?
    /// The answer if the card was declined; otherwise it is the intent.
    let error: StripeError?
    /// What the card does to the answer.
    var mishap: TestCard.Mishap?

    /// Plans `POST /v1/payment_intents` from its form.
    ///
    /// - Parameter now: seconds since 1970.
    init(_ fields: FormFields, now: Int64) throws(StripeError) {
        let amount = try fields.amount()
        guard let currency = fields["currency"] else { throw .missing("currency") }
        guard Limits.currencies.contains(currency) else {
            throw .invalid("currency", "Invalid currency.")
        }
        guard amount >= Limits.minAmount else {
            throw .invalid("amount", "Amount is too small.", code: "amount_too_small")
        }
        guard amount <= Limits.maxAmount else {
            throw .invalid("amount", "Amount is too large.", code: "amount_too_large")
        }
        let card = try fields["payment_method"].map(Self.card)
        let intent = PaymentIntent(
            id: StripeID.make("pi"),
            amount: amount,
            currency: currency,
            status: card == nil ? .requiresPaymentMethod : .requiresConfirmation,
            paymentMethod: card?.token,
            metadata: try fields.metadata(),
            latestCharge: nil,
            failure: nil,
            canceledAt: nil,
            created: now
        )
        guard try fields.flag("confirm", default: false) else {
            self.init(intent: intent, charge: nil, error: nil)
            return
        }
        guard let card else { throw .missing("payment_method") }
        guard card.mishap != .rateLimited else { throw .rateLimited }
        self.init(confirming: intent, with: card, now: now)
        mishap = card.mishap
    }

    /// Charges the card.
    private init(confirming open: PaymentIntent, with card: TestCard, now: Int64) {
        var intent = open
        let status: Charge.Status
        switch card.outcome {
        case .succeeds:
            intent.status = .succeeded
            status = .succeeded
        case .declined(let code, let declineCode, let message):
            // Stripe takes the method off the intent, so that another card can be tried.
            intent.status = .requiresPaymentMethod
            intent.paymentMethod = nil
            intent.failure = .init(code: code, declineCode: declineCode, message: message)
            status = .failed
        }
        let charge = Charge(
            id: StripeID.make("ch"),
            intent: intent.id,
            amount: intent.amount,
            amountRefunded: 0,
            currency: intent.currency,
            status: status,
            created: now
        )
        intent.latestCharge = charge.id
        let error = intent.failure.map { failure in
            StripeError(
                status: 402,
                type: "card_error",
                code: failure.code,
                declineCode: failure.declineCode,
                message: failure.message,
                charge: charge.id,
                intent: intent
            )
        }
        self.init(intent: intent, charge: charge, error: error)
    }

    private init(intent: PaymentIntent, charge: Charge?, error: StripeError?) {
        self.intent = intent
        self.charge = charge
        self.error = error
    }

    private static func card(_ token: String) throws(StripeError) -> TestCard {
        guard let card = TestCard.named(token) else {
            throw .noSuch("PaymentMethod", param: "payment_method")
        }
        return card
    }
}
