internal import HTTP
internal import Postgres

extension SandboxRoutes {
    /// `GET /v1/payment_intents/{id}`: one intent.
    func showIntent(_ request: Request) async throws(StripeError) -> Response {
        let id = try request.stripeID("payment_intent")
        guard let intent = try await store.database.one(SelectIntent(id: id)) else {
            throw .noSuch("payment_intent", param: "intent", status: 404)
        }
        return .json(intent)
    }

    /// `GET /v1/payment_intents?metadata[order_id]=…&limit=…&starting_after=…`: newest first.
    ///
    /// The filter is the sandbox's own; Stripe has a search for it, which lags behind.
    func listIntents(_ request: Request) async throws(StripeError) -> Response {
        let query = try request.stripeQuery()
        let limit = try query.limit()
        let intents = try await store.database.all(
            SelectIntents(
                orderID: query["metadata[order_id]"],
                startingAfter: query["starting_after"],
                limit: limit
            )
        )
        return .json(ListPage(url: "/v1/payment_intents", items: intents, limit: limit))
    }

    /// `GET /v1/refunds?payment_intent=…&limit=…&starting_after=…`: newest first.
    func listRefunds(_ request: Request) async throws(StripeError) -> Response {
        let query = try request.stripeQuery()
        let limit = try query.limit()
        let refunds = try await store.database.all(
            SelectRefunds(
                intent: query["payment_intent"],
                startingAfter: query["starting_after"],
                limit: limit
            )
        )
        return .json(ListPage(url: "/v1/refunds", items: refunds, limit: limit))
    }
}
