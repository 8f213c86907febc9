/// What a cancellation and a refund may do to an intent in a given state.
extension PaymentIntent {
    /// `POST /v1/payment_intents/{id}/cancel`: the cancelled intent, unless it is over already.
    func canceled(now: Int64) throws(StripeError) -> PaymentIntent {
        switch status {
        case .requiresPaymentMethod, .requiresConfirmation:
            var copy = self
            copy.status = .canceled
            copy.canceledAt = now
            return copy
        case .succeeded, .canceled:
            throw StripeError(
                status: 400,
                code: "payment_intent_unexpected_state",
                message: """
                    You cannot cancel this PaymentIntent because it has a status of \
                    \(status.rawValue).
                    """,
                intent: self
            )
        }
    }
}

extension Charge {
    /// `POST /v1/refunds`: a refund of `amount` cents, or of all that is left.
    func refunding(
        _ amount: Int64?,
        metadata: [String: String],
        now: Int64
    ) throws(StripeError) -> Refund {
        guard status == .succeeded else {
            throw StripeError(status: 400, message: "This charge has not succeeded.")
        }
        guard refundable > 0 else {
            throw StripeError(
                status: 400,
                code: "charge_already_refunded",
                message: "Charge has already been refunded.",
                charge: id
            )
        }
        let amount = amount ?? refundable
        guard amount <= refundable else {
            throw .invalid("amount", "Refund amount is greater than unrefunded amount on charge.")
        }
        return Refund(
            id: StripeID.make("re"),
            intent: intent,
            charge: id,
            amount: amount,
            currency: currency,
            metadata: metadata,
            created: now
        )
    }
}
