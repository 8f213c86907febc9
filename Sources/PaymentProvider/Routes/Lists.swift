internal import HTTP
internal import Postgres

extension SandboxRoutes {
    /// `GET /v1/payment_intents/{id}`: one intent; with `expand[]=latest_charge` its charge too.
    func showIntent(_ request: Request) async throws(StripeError) -> Response {
        let id = try request.stripeID("payment_intent")
        let isExpanded = try request.stripeQuery()["expand[]"] == "latest_charge"
        guard let found = try await store.database.one(SelectExpandedIntent(id: id)) else {
            throw .noSuch("payment_intent", param: "intent", status: 404)
        }
        return isExpanded ? .json(found) : .json(found.intent)
    }

    /// `GET /v1/payment_intents?created[gte]=…&created[lt]=…&limit=…&starting_after=…`: newest first;
    /// with `expand[]=data.latest_charge` their charges too.
    func listIntents(_ request: Request) async throws(StripeError) -> Response {
        let query = try request.stripeQuery()
        let window = try ListWindow(query)
        var after = ListWindow.Place.top
        if let id = window.startingAfter {
            guard let place = try await store.database.one(SelectIntentPlace(id: id)) else {
                throw .noSuch("payment_intent", param: "starting_after")
            }
            after = place
        }
        let found = try await store.database.all(SelectIntents(window: window, after: after))
        return answer(found, query, limit: window.limit, of: "/v1/payment_intents")
    }

    /// `GET /v1/payment_intents/search?query=metadata['order_id']:'…'`: newest first.
    ///
    /// Stripe's search knows more; it lags behind its lists by up to a minute, this one does not.
    func searchIntents(_ request: Request) async throws(StripeError) -> Response {
        let query = try request.stripeQuery()
        let limit = try query.limit()
        let prefix = "metadata['order_id']:'"
        guard let text = query["query"], text.hasPrefix(prefix), text.hasSuffix("'"),
            text.utf8.count > prefix.utf8.count
        else { throw .invalid("query", "The sandbox searches for metadata['order_id']:'…' alone.") }
        let order = String(text.dropFirst(prefix.count).dropLast())
        let found = try await store.database.all(
            SelectIntentsOfOrder(orderID: order, limit: limit)
        )
        return answer(found, query, limit: limit, of: "/v1/payment_intents/search")
    }

    /// `GET /v1/refunds?payment_intent=…` or `?created[gte]=…&created[lt]=…`, with `limit` and
    /// `starting_after`: newest first.
    func listRefunds(_ request: Request) async throws(StripeError) -> Response {
        let query = try request.stripeQuery()
        let window = try ListWindow(query)
        if let intent = query["payment_intent"] {
            let found = try await store.database.all(
                SelectRefundsOfIntent(intent: intent, limit: window.limit)
            )
            return .json(ListPage(url: "/v1/refunds", items: found, limit: window.limit))
        }
        var after = ListWindow.Place.top
        if let id = window.startingAfter {
            guard let place = try await store.database.one(SelectRefundPlace(id: id)) else {
                throw .noSuch("refund", param: "starting_after")
            }
            after = place
        }
        let refunds = try await store.database.all(SelectRefunds(window: window, after: after))
        return .json(ListPage(url: "/v1/refunds", items: refunds, limit: window.limit))
    }

    private func answer(
        _ found: [ExpandedIntent],
        _ query: FormFields,
        limit: Int,
        of url: String
    ) -> Response {
        guard query["expand[]"] != "data.latest_charge" else {
            return .json(ListPage(url: url, items: found, limit: limit))
        }
        return .json(ListPage(url: url, items: found.map(\.intent), limit: limit))
    }
}
