import Foundation
import Testing

/// A customer who was registered and signed in.
struct Shopper: Sendable {
    let curl: Curl
    let token: String

    static let address = #"{"line1":"1 Main Street","city":"Springfield","country":"US"}"#

    /// Registers somebody new and signs them in.
    init(_ stack: RunningStack) async throws {
        curl = stack.curl
        let person =
            #"{"email":"\#(UUID().uuidString)@example.com","password":"correct horse battery staple","name":"Ada"}"#
        let registered = try await curl("POST", "/users", json: person)
        try #require(registered.status == 201, "\(registered)")
        let signedIn = try await curl("POST", "/users/login", json: person)
        try #require(signedIn.status == 200, "\(signedIn)")
        token = signedIn.text("access_token")
    }

    /// A product that at least `stock` pieces are left of.
    func product(withStock stock: Int = 50) async throws -> String {
        let listing = try await curl("GET", "/products?in_stock=true&limit=50")
        let items = listing["items"] as? [[String: Any]] ?? []
        let found = items.first { ($0["available"] as? Int ?? 0) >= stock }
        return try #require(found?["id"] as? String, "\(listing.body.prefix(500))")
    }

    func available(_ product: String) async throws -> Int {
        let answer = try await curl("GET", "/products/\(product)")
        return try #require(answer["available"] as? Int, "\(answer)")
    }

    func order(
        _ product: String,
        quantity: Int = 1,
        card: String = "pm_card_visa",
        key: String = UUID().uuidString,
        headers: [String] = []
    ) async throws -> Answer {
        try await post(Self.body(product, quantity, card), key: key, headers: headers)
    }

    static func body(_ product: String, _ quantity: Int, _ card: String) -> String {
        #"{"items":[{"product_id":"\#(product)","quantity":\#(quantity)}],"payment_method":"\#(card)","shipping_address":\#(address)}"#
    }

    func post(_ body: String, key: String, headers: [String] = []) async throws -> Answer {
        try await curl(
            "POST",
            "/orders",
            token: token,
            json: body,
            headers: ["Idempotency-Key: \(key)"] + headers
        )
    }

    func cancel(_ id: String, headers: [String] = []) async throws -> Answer {
        try await curl("POST", "/orders/\(id)/cancel", token: token, headers: headers)
    }

    func get(_ path: String) async throws -> Answer { try await curl("GET", path, token: token) }

    /// Looks at an order until its status is one of these, or the time is up.
    func wait(
        for id: String,
        toBe wanted: Set<String>,
        within limit: Duration = .seconds(45)
    ) async throws -> Answer {
        let end = ContinuousClock.now + limit
        var seen = try await get("/orders/\(id)")
        while !wanted.contains(seen.text("status")), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            seen = try await get("/orders/\(id)")
        }
        return seen
    }
}

extension Shopper {
    /// The token of the administrator whom the stack made.
    static func admin(_ stack: RunningStack) async throws -> String {
        let file = "\(stack.folder)/secrets/admin-password"
        let password = try String(contentsOfFile: file, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let login = #"{"email":"admin@anyway.local","password":"\#(password)"}"#
        let signedIn = try await stack.curl("POST", "/users/login", json: login)
        try #require(signedIn.status == 200, "\(signedIn)")
        return signedIn.text("access_token")
    }
}
