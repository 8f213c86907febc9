internal import HTTP

extension SandboxRoutes {
    /// `POST /v1/payment_intents`: creates an intent and, with `confirm=true`, charges its card.
    ///
    /// - Throws: 400 for bad parameters (the key stays free), 402 when the card is declined (kept under
    ///   the key), 400 `idempotency_error` and 409 as for every key.
    func createIntent(_ request: Request) async throws(StripeError) -> Response {
        let fields = try await request.stripeForm()
        let keyed = try request.keyed(fields)
        let plan: IntentPlan
        do throws(StripeError) {
            plan = try IntentPlan(fields, now: stripeNow())
        } catch {
            // A key that was used before answers first, whatever is wrong with this request.
            guard let before = try await store.answered(keyed) else { throw error }
            return before.response
        }
        let answer =
            if let error = plan.error {
                try StoredAnswer(error, status: error.status)
            } else {
                try StoredAnswer(plan.intent)
            }
        return try await store.create(plan, answer: answer, for: keyed).response
    }
}
