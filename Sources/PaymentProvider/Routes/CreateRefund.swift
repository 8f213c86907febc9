internal import HTTP
internal import Postgres

extension SandboxRoutes {
    /// `POST /v1/refunds`: gives back `amount` cents of an intent, or all that is left.
    ///
    /// - Throws: 400 for an unknown or unpaid intent, `charge_already_refunded`, or too much.
    func createRefund(_ request: Request) async throws(StripeError) -> Response {
        let fields = try await request.stripeForm()
        let keyed = try request.keyed(fields)
        guard let intent = fields["payment_intent"] else { throw .missing("payment_intent") }
        let amount = fields["amount"] == nil ? nil : try fields.amount()
        let metadata = try fields.metadata()
        let now = stripeNow()
        let outcome = try await store.once(keyed) { tx throws(StripeError) in
            guard let charge = try await tx.one(LockCharge(intent: intent)) else {
                throw .noSuch("charge of this payment_intent", param: "payment_intent")
            }
            let refund = try charge.refunding(amount, metadata: metadata, now: now)
            try await tx.run(InsertRefund(refund: refund))
            return try StoredAnswer(refund)
        }
        if case .done = outcome { webhooks?.tell("refund.created", RefundOfIntent(intent)) }
        return outcome.response
    }
}
