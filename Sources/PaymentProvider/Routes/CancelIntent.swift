internal import HTTP
internal import Postgres

extension SandboxRoutes {
    /// `POST /v1/payment_intents/{id}/cancel`: ends an intent that was not paid.
    ///
    /// - Throws: 404, or 400 `payment_intent_unexpected_state` with the intent.
    func cancelIntent(_ request: Request) async throws(StripeError) -> Response {
        let id = try request.stripeID("payment_intent")
        let keyed = try request.keyed(try await request.stripeForm())
        let now = stripeNow()
        return try await store.once(keyed) { tx throws(StripeError) in
            guard let intent = try await tx.one(LockIntent(id: id)) else {
                throw .noSuch("payment_intent", param: "intent", status: 404)
            }
            let canceled = try intent.canceled(now: now)
            try await tx.run(UpdateIntentCanceled(id: id, at: now))
            return try StoredAnswer(canceled)
        }.response
    }
}
