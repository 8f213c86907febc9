import Contracts
import FoundationEssentials
import HTTP
import Postgres
import PostgresHarness
import Testing

@testable import ProductService

/// The service's routes over a seeded database, called as the gateway and the order service do.
struct ProductAPI: Sendable {
    let router: Router
    let database: Database

    init(_ database: Database) {
        var router = Router()
        ProductRoutes(store: Store(database)).register(&router)
        self.router = router
        self.database = database
    }

    struct Answer {
        let status: Int
        let headers: Headers
        let json: JSONValue

        /// The pointers of a problem's errors.
        var pointers: [String] {
            json["errors"]?.array?.compactMap { $0["pointer"]?.string } ?? []
        }
    }

    func call(
        _ method: HTTP.Method,
        _ target: String,
        _ body: String = "",
        as caller: String = "gateway",
        headers: Headers = [:]
    ) async throws -> Answer {
        var headers = headers
        if !body.isEmpty, !headers.contains(.contentType) {
            headers[.contentType] = "application/json"
        }
        let request = Request(
            method,
            target,
            headers: headers,
            body: Array(body.utf8),
            peerIdentity: "spiffe://anyway/\(caller)"
        )
        let response: Response
        do throws(Problem) {
            response = try await router.handle(request)
        } catch {
            response = error.response()
        }
        guard case .bytes(let bytes) = response.body else {
            return Answer(status: response.status.code, headers: response.headers, json: .null)
        }
        let json = try JSON.decode(JSONValue.self, from: bytes)
        return Answer(status: response.status.code, headers: response.headers, json: json)
    }

    /// A call of the order service.
    func order(_ method: HTTP.Method, _ target: String, _ body: String = "") async throws -> Answer
    {
        try await call(method, target, body, as: "order")
    }

    /// A call of the gateway for an administrator.
    func admin(
        _ method: HTTP.Method,
        _ target: String,
        _ body: String = "",
        headers: Headers = [:]
    ) async throws -> Answer {
        var headers = headers
        headers["x-anyway-user"] = "01900000-0000-7000-8000-00000000ad01"
        headers["x-anyway-role"] = "admin"
        return try await call(method, target, body, headers: headers)
    }

    static let headphones = "01900000-0000-7000-8000-000000000001"
    static let lastThree = "01900000-0000-7000-8000-000000000014"

    static func with(_ body: @escaping @Sendable (ProductAPI) async throws -> Void) async throws {
        try await withShop { shop in
            let entries = try BuiltInCatalog.entries()
            _ = try await shop.one(SeedCatalog(name: BuiltInCatalog.name, entries: entries))
            try await body(ProductAPI(shop))
        }
    }
}

@Suite struct ProductRoutesTests {
    @Test func `a search shows items, facets and where the next page begins`() async throws {
        try await ProductAPI.with { api async throws in
            let first = try await api.call(.get, "/products?category=Audio&limit=6&sort=price_asc")
            #expect(first.status == 200)
            #expect(first.json["items"]?.array?.count == 6)
            #expect(first.json["total"] == 10)
            #expect(first.json["total_is_exact"] == true)
            #expect(first.json["facets"]?["in_stock"]?.array?.count == 2)
            let item = try #require(first.json["items"]?.array?.first)
            #expect(item["price_cents"] == 2499 && item["currency"] == "USD")
            #expect(item["in_stock"] == true && item["available"] == 160)
            let cursor = try #require(first.json["next_cursor"]?.string)
            let next = try await api.call(
                .get,
                "/products?category=Audio&limit=6&sort=price_asc&cursor=\(cursor)"
            )
            #expect(next.json["items"]?.array?.count == 4)
            #expect(next.json["next_cursor"] == .null)
            #expect(next.json["facets"] == nil)
        }
    }

    @Test func `a search with bad parameters is a 400 that names them`() async throws {
        try await ProductAPI.with { api async throws in
            let answer = try await api.call(.get, "/products?limit=0&colour=red&min_price=x")
            #expect(answer.status == 400)
            #expect(answer.json["type"] == "/problems/invalid-parameter")
            #expect(answer.pointers == ["?min_price", "?limit", "?colour"])
        }
    }

    @Test func `a product has a tag, and whoever shows it gets 304`() async throws {
        try await ProductAPI.with { api async throws in
            let path = "/products/\(ProductAPI.headphones)"
            let answer = try await api.call(.get, path)
            #expect(answer.status == 200)
            #expect(answer.json["title"]?.string?.contains("Longwave") == true)
            #expect(answer.json["attributes"]?["battery_hours"] == 34)
            let tag = try #require(answer.headers[.etag])
            #expect(try await api.call(.get, path, headers: [.ifNoneMatch: tag]).status == 304)
            #expect(try await api.call(.get, path, headers: [.ifNoneMatch: "\"x\""]).status == 200)
            _ = try await api.order(
                .put,
                "/reservations/\(OrderID.next())",
                #"{"lines":[{"product_id":"\#(ProductAPI.headphones)","quantity":1}]}"#
            )
            #expect(try await api.call(.get, path, headers: [.ifNoneMatch: tag]).status == 200)
        }
    }

    @Test func `what is not in the catalog is not found`() async throws {
        try await ProductAPI.with { api async throws in
            #expect(try await api.call(.get, "/products/\(ProductID.next())").status == 404)
            #expect(try await api.call(.get, "/products/headphones").status == 400)
        }
    }

    @Test func `only administrators manage the catalog, and only the order service reserves`()
        async throws
    {
        try await ProductAPI.with { api async throws in
            let customer: Headers = [
                "x-anyway-user": "01900000-0000-7000-8000-00000000c001",
                "x-anyway-role": "customer",
            ]
            let path = "/products/\(ProductAPI.headphones)"
            for (method, target) in [
                (HTTP.Method.post, "/products"), (.patch, path), (.delete, path),
                (.post, "\(path)/stock"),
            ] {
                #expect(try await api.call(method, target, "{}").status == 401)
                #expect(try await api.call(method, target, "{}", headers: customer).status == 403)
                #expect(try await api.call(method, target, "{}", as: "order").status == 403)
            }
            let reservation = "/reservations/\(OrderID.next())"
            #expect(try await api.call(.put, reservation, "{}").status == 403)
            #expect(try await api.call(.delete, reservation).status == 403)
            #expect(try await api.call(.post, "/quotes", "{}", as: "payment").status == 403)
        }
    }

    @Test func `a product is created, changed, stocked and withdrawn`() async throws {
        try await ProductAPI.with { api async throws in
            let created = try await api.admin(
                .post,
                "/products",
                #"{"title":"Toaster","brand":"Kettlemoor","category":"Appliances","price_cents":4900,"description":"Two slices.","stock":2}"#
            )
            #expect(created.status == 201)
            let path = try #require(created.headers[.location])
            #expect(created.json["available"] == 2)
            let tag = try #require(created.headers[.etag])

            let delivery: Headers = [.idempotencyKey: "delivery-1"]
            let stocked = try await api.admin(
                .post,
                "\(path)/stock",
                #"{"quantity":5}"#,
                headers: delivery
            )
            #expect(stocked.status == 201 && stocked.json["available_after"] == 7)
            let again = try await api.admin(
                .post,
                "\(path)/stock",
                #"{"quantity":5}"#,
                headers: delivery
            )
            #expect(again.json == stocked.json)
            #expect(again.headers["idempotency-replayed"] == "true")
            let other = try await api.admin(
                .post,
                "\(path)/stock",
                #"{"quantity":6}"#,
                headers: delivery
            )
            #expect(other.status == 422)

            // The delivery changed the stock, not the data sheet: the editor's tag still holds.
            let changed = try await api.admin(
                .patch,
                path,
                #"{"price_cents":4500}"#,
                headers: [.ifMatch: tag]
            )
            #expect(changed.status == 200 && changed.json["price_cents"] == 4500)
            let late = try await api.admin(
                .patch,
                path,
                #"{"price_cents":4700}"#,
                headers: [.ifMatch: tag]
            )
            #expect(late.status == 412)

            #expect(try await api.admin(.delete, path).status == 204)
            #expect(try await api.admin(.delete, path).status == 204)
            #expect(try await api.call(.get, path).status == 404)
            #expect(try await api.admin(.patch, path, #"{"price_cents":1}"#).status == 404)
            #expect(try await api.admin(.delete, "/products/\(ProductID.next())").status == 404)
        }
    }

    @Test(arguments: [
        (
            #"{"title":"T","brand":"B","category":"C","price_cents":0,"description":""}"#,
            "/price_cents"
        ),
        (
            #"{"title":"T","brand":"B","category":"C","price_cents":1.5,"description":""}"#,
            "/price_cents"
        ),
        (#"{"title":7,"brand":"B","category":"C","price_cents":1,"description":""}"#, "/title"),
        (#"{"brand":"B","category":"C","price_cents":1,"description":""}"#, "/title"),
        (
            #"{"title":"T","brand":"B","category":"C >","price_cents":1,"description":""}"#,
            "/category"
        ),
    ])
    func `a product that breaks a rule is refused by field`(_ body: String, _ pointer: String)
        async throws
    {
        try await ProductAPI.with { api async throws in
            let answer = try await api.admin(.post, "/products", body)
            #expect(answer.status == 422)
            #expect(answer.pointers == [pointer])
            #expect(try await api.call(.get, "/products").json["total"] == 80)
        }
    }

    @Test func `a delivery needs a key and a sound quantity`() async throws {
        try await ProductAPI.with { api async throws in
            let path = "/products/\(ProductAPI.headphones)/stock"
            #expect(try await api.admin(.post, path, #"{"quantity":1}"#).status == 400)
            for quantity in ["0", "-1", "1000001", "1.5", "\"1\""] {
                let answer = try await api.admin(
                    .post,
                    path,
                    #"{"quantity":\#(quantity)}"#,
                    headers: [.idempotencyKey: "k"]
                )
                #expect(answer.status == 422 && answer.pointers == ["/quantity"], "\(quantity)")
            }
            let nowhere = "/products/\(ProductID.next())/stock"
            let answer = try await api.admin(
                .post,
                nowhere,
                #"{"quantity":1}"#,
                headers: [.idempotencyKey: "k"]
            )
            #expect(answer.status == 404)
        }
    }
}

@Suite struct ReservationRoutesTests {
    private func lines(_ wanted: (String, Int)...) -> String {
        let lines = wanted.map { #"{"product_id":"\#($0)","quantity":\#($1)}"# }
        return #"{"lines":[\#(lines.joined(separator: ","))]}"#
    }

    @Test func `a quote prices each line`() async throws {
        try await ProductAPI.with { api async throws in
            let answer = try await api.order(
                .post,
                "/quotes",
                lines((ProductAPI.lastThree, 1), (ProductAPI.headphones, 2))
            )
            #expect(answer.status == 200)
            let quote = try #require(answer.json["lines"]?.array)
            #expect(quote.map { $0["unit_price_cents"] } == [129_900, 19_900])
            #expect(quote.map { $0["quantity"] } == [1, 2])
            #expect(quote.allSatisfy { $0["currency"] == "USD" })
        }
    }

    @Test func `a quote names the lines of unknown products`() async throws {
        try await ProductAPI.with { api async throws in
            let answer = try await api.order(
                .post,
                "/quotes",
                lines((ProductAPI.headphones, 1), (ProductID.next().description, 1))
            )
            #expect(answer.status == 422)
            #expect(answer.json["type"]?.string == ProblemType.unknownProduct)
            #expect(answer.pointers == ["/lines/1/product_id"])
        }
    }

    @Test func `a reservation is held, held again, and released for good`() async throws {
        try await ProductAPI.with { api async throws in
            let order = OrderID.next().description
            let path = "/reservations/\(order)"
            let body = lines((ProductAPI.headphones, 2))
            for _ in 0..<2 {
                let held = try await api.order(.put, path, body)
                #expect(held.status == 200)
                #expect(held.json == ["order_id": .string(order), "status": "held"])
            }
            let other = try await api.order(.put, path, lines((ProductAPI.headphones, 3)))
            #expect(other.status == 422)
            #expect(other.json["type"]?.string == ProblemType.reservationMismatch)
            for _ in 0..<2 {
                let released = try await api.order(.delete, path)
                #expect(released.status == 200)
                #expect(released.json == ["order_id": .string(order), "status": "released"])
            }
            let late = try await api.order(.put, path, body)
            #expect(late.status == 409)
            #expect(late.json["type"]?.string == ProblemType.reservationReleased)
            #expect(try await api.database.discrepancies() == 0)
        }
    }

    @Test func `short lines are told with what there is, and a release leaves that answer`()
        async throws
    {
        try await ProductAPI.with { api async throws in
            let path = "/reservations/\(OrderID.next())"
            let body = lines((ProductAPI.headphones, 1), (ProductAPI.lastThree, 4))
            let short = try await api.order(.put, path, body)
            #expect(short.status == 409)
            #expect(short.json["type"]?.string == ProblemType.outOfStock)
            #expect(
                short.json["short"] == [
                    [
                        "product_id": .string(ProductAPI.lastThree), "requested": 4,
                        "available": 3,
                    ]
                ]
            )
            #expect(try await api.order(.delete, path).json["status"] == "released")
            #expect(try await api.order(.put, path, body).json == short.json)
        }
    }

    @Test func `a release before the reservation refuses it`() async throws {
        try await ProductAPI.with { api async throws in
            let path = "/reservations/\(OrderID.next())"
            #expect(try await api.order(.delete, path).status == 200)
            let late = try await api.order(.put, path, lines((ProductAPI.headphones, 1)))
            #expect(late.status == 409)
            #expect(late.json["type"]?.string == ProblemType.reservationReleased)
        }
    }

    @Test func `impossible lines are refused and nothing is recorded`() async throws {
        try await ProductAPI.with { api async throws in
            let path = "/reservations/\(OrderID.next())"
            for (body, pointer) in [
                (#"{"lines":[]}"#, "/lines"), (#"{}"#, "/lines"),
                (lines((ProductAPI.headphones, 0)), "/lines/0/quantity"),
                (lines((ProductAPI.headphones, 1_000_000_000)), "/lines/0/quantity"),
                (#"{"lines":[{"product_id":"x","quantity":1}]}"#, "/lines/0/product_id"),
            ] {
                let answer = try await api.order(.put, path, body)
                #expect(answer.status == 422, "\(body)")
                #expect(answer.pointers == [pointer], "\(body)")
            }
            let bad = "/reservations/not-an-order"
            #expect(try await api.order(.put, bad, lines((ProductAPI.headphones, 1))).status == 400)
            let sound = try await api.order(.put, path, lines((ProductAPI.headphones, 1)))
            #expect(sound.status == 200)
        }
    }
}
