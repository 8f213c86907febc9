internal import HTTP
internal import Reactor

/// The platform as a customer's client sees it.
struct Shop: Sendable {
    /// What went wrong before the load could begin.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    let client: HTTPClient
    let endpoint: Endpoint

    /// - Throws: when the name has no address, or one that is not of this machine or its containers.
    init(_ target: ShopAddress) async throws {
        var limits = ClientLimits()
        limits.connectionsPerEndpoint = 8192
        limits.idlePerEndpoint = 1024
        client = HTTPClient(limits: limits)
        endpoint = Endpoint(try await target.resolve())
    }

    private struct Registration: Encodable {
        let email: String
        let password: String
        let name: String
    }

    private struct Credentials: Encodable {
        let email: String
        let password: String
    }

    private struct Delivery: Encodable {
        let quantity: Int
    }

    private struct Registered: Decodable {
        let id: String
    }

    private struct Tokens: Decodable {
        let access_token: String
    }

    private struct Listing: Decodable {
        struct Item: Decodable { let id: String }
        let items: [Item]
    }

    /// Registers a customer nobody has seen before and signs them in.
    func newCustomer(_ number: Int) async throws -> Account {
        let email = "load-\(UInt64.random(in: 0 ... .max))-\(number)@example.com"
        let password = "load-\(UInt64.random(in: 0 ... .max))"
        let registration = Registration(email: email, password: password, name: "Load \(number)")
        let registered = try await expect(
            .created,
            try .json(.post, "/users", registration),
            "register a customer"
        )
        let id = try await registered.json(Registered.self).id
        let token = try await signIn(email, password)
        return Account(id: id, token: token, email: email, password: password)
    }

    /// What signs the account in once more.
    func signInRequest(_ account: Account) throws -> ClientRequest {
        try .json(
            .post,
            "/users/login",
            Credentials(email: account.email, password: account.password)
        )
    }

    /// The ids of products that are in stock.
    func productsInStock() async throws -> [String] {
        let request = ClientRequest(.get, "/products?in_stock=true&limit=50")
        let listing = try await expect(.ok, request, "list products")
        let ids = try await listing.json(Listing.self).items.map(\.id)
        guard !ids.isEmpty else { throw Failed(description: "no product is in stock") }
        return ids
    }

    /// Delivers `quantity` pieces of each product, as the administrator with this password.
    func deliver(_ quantity: Int, of products: [String], password: String) async throws {
        let token = try await signIn("admin@anyway.local", password)
        for product in products {
            let key = "load-\(UInt64.random(in: 0 ... .max))"
            let request = try ClientRequest.json(
                .post,
                "/products/\(product)/stock",
                headers: ["authorization": "Bearer \(token)", "idempotency-key": key],
                Delivery(quantity: quantity)
            )
            _ = try await expect(.created, request, "deliver stock")
        }
    }

    /// Signs an account in and returns its token.
    func signIn(_ email: String, _ password: String) async throws -> String {
        let credentials = Credentials(email: email, password: password)
        let signedIn = try await expect(
            .ok,
            try .json(.post, "/users/login", credentials),
            "sign \(email) in"
        )
        return try await signedIn.json(Tokens.self).access_token
    }

    private func expect(
        _ status: Status,
        _ request: ClientRequest,
        _ purpose: String
    ) async throws -> ClientResponse {
        // Registering hashes passwords, which the platform does a few at a time and says so.
        for _ in 0..<40 {
            let response = try await client.send(
                request,
                to: endpoint,
                until: .after(.seconds(10))
            )
            if response.status == status { return response }
            let detail = String(decoding: try await response.body(limit: 65_536), as: UTF8.self)
            guard [429, 503].contains(response.status.code) else {
                throw Failed(
                    description: "cannot \(purpose): \(response.status.code) \(detail)"
                )
            }
            try await EventLoop.sleep(for: .milliseconds(500))
        }
        throw Failed(description: "cannot \(purpose): the platform stays overloaded")
    }
}

/// A customer who is signed in.
struct Account: Sendable {
    let id: String
    let token: String
    let email: String
    let password: String
}
