internal import HTTP
internal import Reactor

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
        let outcome = try await store.create(plan, answer: answer, for: keyed)
        guard case .done = outcome else { return outcome.response }
        if plan.charge != nil {
            let isPaid = plan.intent.status == .succeeded
            webhooks?.tell(
                isPaid ? "payment_intent.succeeded" : "payment_intent.payment_failed",
                plan.intent
            )
        }
        guard let mishap = plan.mishap else { return outcome.response }
        return try await outcome.response.suffering(mishap)
    }
}

extension Response {
    /// The answer to a charge that was made, as the card lets it reach the client.
    fileprivate func suffering(_ mishap: TestCard.Mishap) async throws(StripeError) -> Response {
        switch mishap {
        case .slow(let seconds):
            // A client that hangs up cancels the wait; the answer then goes nowhere.
            try? await EventLoop.sleep(for: .seconds(seconds))
            return self
        case .lostReply:
            return Response(
                status,
                headers: headers,
                body: .stream(length: 1) { writer in
                    // Without the head a client takes the connection for one that died idle.
                    try await writer.flush()
                    throw SocketError.closed
                }
            )
        case .errorAfterCharge: throw .afterCharge
        case .rateLimited: return self
        }
    }
}
