internal import FoundationEssentials

/// A customer who does what a careful client does: the same key again until the answer is definite.
struct CrashShopper {
    let port: UInt16
    private let person: String
    private(set) var token = ""
    private(set) var customer = ""
    /// What there is plenty of, and what there is one piece of.
    private(set) var plenty = ""
    private(set) var scarce = ""

    /// How an order came out, as its customer was told.
    enum Answer: Equatable {
        case confirmed, outOfStock, declined, timedOut, cancelled
        /// Not known yet: ask again.
        case pending
        /// Anything else.
        case other(String)
    }

    private struct Document: Decodable {
        var id: String?
        var access_token: String?
        var order_id: String?
        var type: String?
    }

    /// What one piece of anything costs, in cents.
    static let price = 1_999

    /// Registers somebody new, signs them in, and has the administrator add a product of plenty.
    init(port: UInt16, layout: Layout) throws(StackError) {
        self.port = port
        let tag = Secrets.random(12).lowercased()
        person =
            "{\"email\":\"crash-\(tag)@example.com\",\"password\":\"\(tag)-\(tag)\",\"name\":\"Crash\"}"
        customer = try ask("/users", person).id ?? ""
        try signIn()
        let password = Files.text(layout.secret("admin-password"))?.trimmingSuffix("\n") ?? ""
        let admin = try ask(
            "/users/login",
            "{\"email\":\"\(Planner.adminEmail)\",\"password\":\"\(password)\"}"
        ).access_token
        plenty = try ask("/products", Self.draft("Plenty", stock: 1_000_000), token: admin).id ?? ""
        scarce = try ask("/products", Self.draft("Scarce", stock: 1), token: admin).id ?? ""
        guard !customer.isEmpty, !token.isEmpty, !scarce.isEmpty else {
            throw .unavailable("the stack gave no customer or no product")
        }
    }

    private static func draft(_ title: String, stock: Int) -> String {
        """
        {"title":"\(title)","brand":"Anyway","category":"Tests","description":"Made to break.",
        "price_cents":\(price),"stock":\(stock)}
        """
    }

    /// A fresh token, before the old one runs out.
    mutating func signIn() throws(StackError) {
        token = try ask("/users/login", person).access_token ?? ""
    }

    /// Sends a checkout.
    func place(_ scenario: CrashScenario?, key: String, async: Bool = false) -> Exchange {
        let card = (scenario ?? .success).card
        let items = lines(scenario).map { "{\"product_id\":\"\($0)\",\"quantity\":\($1)}" }
        let body = """
            {"items":[\(items.joined(separator: ","))],"payment_method":"\(card)",
            "shipping_address":{"line1":"1 Main Street","city":"Springfield","country":"US"}}
            """
        return Exchange(
            "POST",
            "/orders",
            port: port,
            headers: [
                "Authorization: Bearer \(token)", "Idempotency-Key: \(key)",
                async ? "Prefer: respond-async" : "Prefer: wait=5",
            ],
            json: body
        )
    }

    /// Asks for an order's cancellation; asked again it needs no key.
    func cancel(_ order: String, async: Bool = false) -> Exchange {
        Exchange(
            "POST",
            "/orders/\(order)/cancel",
            port: port,
            headers: [
                "Authorization: Bearer \(token)",
                async ? "Prefer: respond-async" : "Prefer: wait=5",
            ]
        )
    }

    /// What a scenario's checkout wants: an order that is short of one thing must leave the other.
    func lines(_ scenario: CrashScenario?) -> [(product: String, quantity: Int)] {
        scenario == .outOfStock ? [(plenty, 1), (scarce, 2)] : [(plenty, 1)]
    }

    /// What an answer to a checkout means.
    static func read(_ response: LoopbackResponse?) -> Answer {
        guard let response else { return .pending }
        let problem = decode(response).type ?? ""
        switch response.status {
        case 201: return .confirmed
        case 402 where problem.hasSuffix("/card-declined"): return .declined
        case 409 where problem.hasSuffix("/out-of-stock"): return .outOfStock
        case 504 where problem.hasSuffix("/order-timed-out"): return .timedOut
        case 202, 429, 502, 503, 504, 500: return .pending
        case 409 where problem.hasSuffix("/order-pending"): return .pending
        default: return .other("\(response.status) \(response.text.prefix(200))")
        }
    }

    /// What an answer to a cancellation means.
    static func read(cancellation response: LoopbackResponse?) -> Answer {
        guard let response else { return .pending }
        switch response.status {
        case 200:
            let data = Data(response.body)
            let order = try? JSONDecoder().decode(CancelledOrder.self, from: data)
            return order?.status == "cancelled" ? .cancelled : .other(response.text)
        case 202, 429, 502, 503, 504, 500: return .pending
        case 409 where decode(response).type?.hasSuffix("/order-pending") == true: return .pending
        default: return .other("\(response.status) \(response.text.prefix(200))")
        }
    }

    private struct CancelledOrder: Decodable {
        var status: String
    }

    /// The id of the order that an answer is about.
    static func order(_ response: LoopbackResponse?) -> String? {
        guard let document = response.map(decode) else { return nil }
        return document.order_id ?? document.id
    }

    private static func decode(_ response: LoopbackResponse) -> Document {
        (try? JSONDecoder().decode(Document.self, from: Data(response.body))) ?? Document()
    }

    private func ask(
        _ path: String,
        _ json: String,
        token: String? = nil
    ) throws(StackError) -> Document {
        let headers = token.map { ["Authorization: Bearer \($0)"] } ?? []
        let exchange = Exchange("POST", path, port: port, headers: headers, json: json)
        let end = ContinuousClock.now + .seconds(20)
        while !exchange.poll(), ContinuousClock.now < end {
            try Interrupts.pause(.milliseconds(5))
        }
        guard let response = exchange.response, response.isSuccess else {
            throw .unavailable("POST \(path): \(exchange.response?.text ?? "no answer")")
        }
        return Self.decode(response)
    }
}
