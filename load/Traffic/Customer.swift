internal import HTTP
internal import Reactor
internal import Witness

/// One customer of the shop.
struct Customer: Sendable {
    private struct Address: Encodable {
        let line1 = "1 Loop Street"
        let city = "Localhost"
        let country = "US"
    }

    private struct Line: Encodable {
        let product_id: String
        let quantity: Int
    }

    private struct Checkout: Encodable {
        let items: [Line]
        let payment_method = "pm_card_visa"
        let shipping_address = Address()
    }

    private struct CartCheckout: Encodable {
        let cart = true
        let payment_method = "pm_card_visa"
        let shipping_address = Address()
    }

    let shop: Shop
    let account: Account
    let products: [String]
    let maxLines: Int
    /// Where what was seen is written down; with it, orders are also read and asked for again.
    let history: History?
    let recorder: Recorder

    /// Does what the scenario says, once.
    ///
    /// - Parameters:
    ///   - due: when it should have begun, for those that come at their own time.
    ///   - interval: how often the customer means to come, for those that wait for answers.
    ///   - end: when nothing more is asked for.
    func act(
        _ scenario: Scenario,
        due: Deadline? = nil,
        expecting interval: Duration? = nil,
        until end: Deadline
    ) async {
        let key = "load-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
        guard let requests = try? requests(scenario, key) else { return }
        for (index, request) in requests.enumerated() {
            // Only the first was due at a time; the others follow when it is answered.
            let isFirst = index == 0
            guard isFirst || (!end.hasPassed && !Task.isCancelled) else { return }
            let start = (isFirst ? due : nil) ?? Deadline.now
            let answer = await ask(request)
            let took = Duration.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds))
            recorder.record(scenario, answer.outcome, took, expecting: isFirst ? interval : nil)
            if let history, request.target == "/orders" {
                await follow(request, key, start, answer, history, until: end)
            }
        }
    }

    /// Checks out once, with as long to wait as there is, and counts nothing.
    func checkOut() async -> Answer {
        let key = "load-\(UInt64.random(in: 0 ... .max))"
        guard var request = try? checkout(key, products) else { return .none }
        request.headers["prefer"] = "wait=10"
        return await ask(request)
    }

    private func requests(_ scenario: Scenario, _ key: String) throws -> [ClientRequest] {
        switch scenario {
        case .browse: [ClientRequest(.get, "/products/\(products.randomElement() ?? "")")]
        case .search: [ClientRequest(.get, Self.searches.randomElement() ?? "/products")]
        case .cart: try cartVisit(key)
        case .checkout: [try checkout(key, products)]
        case .hot: [try checkout(key, Array(products.prefix(1)))]
        case .signIn: [try shop.signInRequest(account)]
        }
    }

    /// A visit to the cart, which now and then ends with buying what is in it.
    private func cartVisit(_ key: String) throws -> [ClientRequest] {
        let chosen = Array(products.shuffled().prefix(max(2, maxLines)))
        let visit = try CartVisit(
            headers: ["authorization": "Bearer \(account.token)"],
            products: chosen
        ).requests()
        guard Int.random(in: 0..<CartVisit.visitsPerCheckout) == 0 else { return visit }
        return visit + [try order(CartCheckout(), key)]
    }

    /// What people look for: words, facets, orders.
    private static let searches = [
        "/products?q=lamp", "/products?q=chair&sort=price_asc", "/products?in_stock=true&limit=20",
        "/products?q=blue&in_stock=true", "/products?max_price=5000&sort=price_desc",
        "/products?limit=10",
    ]

    /// What checks some of the products out.
    func checkout(_ key: String, _ products: [String]) throws -> ClientRequest {
        let products = products.shuffled().prefix(Int.random(in: 1...maxLines))
        let lines = products.map { Line(product_id: $0, quantity: Int.random(in: 1...2)) }
        return try order(Checkout(items: lines), key)
    }

    private func order(_ checkout: some Encodable, _ key: String) throws -> ClientRequest {
        try .json(
            .post,
            "/orders",
            headers: ["authorization": "Bearer \(account.token)", "idempotency-key": key],
            checkout
        )
    }

    // MARK: A history

    /// How often a checkout without a definite answer is asked again.
    private static let repeats = 5

    /// Writes down what was seen; reads the order, and asks again where there is something to learn:
    /// always when the answer left the fate open, now and then when it did not.
    private func follow(
        _ request: ClientRequest,
        _ key: String,
        _ start: Deadline,
        _ answer: Answer,
        _ history: History,
        until end: Deadline
    ) async {
        var line = note(.checkout, key, start, answer, history)
        if let order = line.order { await read(order, key, history) }
        var asked = 0
        while line.outcome == .unknown || line.status == 202
            || (asked == 0 && Int.random(in: 0..<8) == 0),
            asked < Self.repeats, !end.hasPassed, !Task.isCancelled
        {
            if asked > 0 { try? await EventLoop.sleep(for: .milliseconds(250)) }
            asked += 1
            let start = Deadline.now
            line = note(.checkout, key, start, await ask(request), history)
            if let order = line.order { await read(order, key, history) }
        }
    }

    private func read(_ order: String, _ key: String, _ history: History) async {
        let request = ClientRequest(
            .get,
            "/orders/\(order)",
            headers: ["authorization": "Bearer \(account.token)"]
        )
        let start = Deadline.now
        var answer = await ask(request)
        if answer.order == nil {
            // A problem does not say which order it is about.
            answer = Answer(status: answer.status, body: .object(["id": .string(order)]))
        }
        _ = note(.read, key, start, answer, history)
    }

    private func note(
        _ kind: HistoryLine.Kind,
        _ key: String,
        _ start: Deadline,
        _ answer: Answer,
        _ history: History
    ) -> HistoryLine {
        let line = HistoryLine(kind, customer: account.id, key: key, start: start, answer)
        history.record(line)
        return line
    }

    private func ask(_ request: ClientRequest) async -> Answer {
        do throws(ClientError) {
            let (response, body) = try await shop.send(request)
            let value = history == nil ? nil : try? JSON.decode(JSONValue.self, from: body)
            return Answer(status: response.status.code, body: value)
        } catch {
            return .none
        }
    }
}
