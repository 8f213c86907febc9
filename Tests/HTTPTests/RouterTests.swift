import Testing

@testable import HTTP

private struct Line: Codable, Equatable {
    var product: String
    var quantity: Int
}

private struct Order: Codable, Equatable {
    var items: [Line]
    var note: String?
}

private func router() -> Router {
    var router = Router()
    router.on(.get, "/") { _ in .text("root") }
    router.on(.get, "/orders/{id}") { request throws(Problem) in
        .text("order \(try request.parameter("id", as: Int.self))")
    }
    router.on(.get, "/orders/mine") { _ in .text("mine") }
    router.on(.post, "/orders/{order}/cancel") { request throws(Problem) in
        .text("cancel \(try request.parameter("order"))")
    }
    router.on(.put, "/stock/{id}", from: "order") { _ in .text("stock") }
    router.on(.get, "/files/{path...}") { request throws(Problem) in
        .text(try request.parameter("path"))
    }
    router.on(.post, "/orders") { request throws(Problem) in
        .json(try await request.json(Order.self, limit: 200), status: .created)
    }
    return router
}

/// The status and the content that a request gets.
private func outcome(_ request: Request) async -> String {
    let response: Response
    do throws(Problem) { response = try await router().handle(request) } catch {
        response = error.response()
    }
    guard case .bytes(let body) = response.body else { return "\(response.status.code)" }
    return "\(response.status.code) \(String(decoding: body, as: UTF8.self))"
}

@Suite struct RouterTests {
    @Test(
        arguments: [
            (Method.get, "/", "200 root"),
            (.get, "/orders/7", "200 order 7"),
            (.head, "/orders/7", "200 order 7"),
            (.get, "/orders/%37/", "200 order 7"),
            (.get, "/orders/mine", "200 mine"),
            (.get, "/orders/./mine", "200 mine"),
            (.post, "/orders/mine/cancel", "200 cancel mine"),
            (.post, "/orders/a%20b/cancel", "200 cancel a b"),
            (.get, "/files/a/b%20c/d", "200 a/b c/d"),
            (.get, "/files/x/../y", "200 y"),
            (.options, "/orders/7", "204"),
            (.options, "*", "204"),
        ])
    func `a path leads to its route`(method: Method, target: String, expected: String) async {
        #expect(await outcome(Request(method, target)) == expected)
    }

    @Test(
        arguments: [
            (Method.get, "/nothing", "404"),
            (.get, "/orders/7/8", "404"),
            (.get, "/files", "404"),
            (.get, "/orders/x", "400"),
            (.get, "/orders/7/cancel", "405"),
            (.delete, "/orders/7", "405"),
            (.other("BREW"), "/orders/7", "501"),
            (.put, "/stock/1", "403"),
        ])
    func `a request without a route is refused`(
        method: Method,
        target: String,
        expected: String
    ) async {
        #expect(await outcome(Request(method, target)).hasPrefix(expected))
    }

    @Test(
        arguments: [
            ("spiffe://anyway/order", "200 stock"), ("spiffe://anyway/payment", "403"),
            ("spiffe://elsewhere/order", "403"), ("spiffe://anyway/x/order", "403"),
            ("order", "403"),
        ])
    func `a route is for the callers it names`(identity: String, expected: String) async {
        let request = Request(.put, "/stock/1", peerIdentity: identity)
        #expect(await outcome(request).hasPrefix(expected))
    }

    @Test func `a response knows the template of its route, a problem's too`() async throws {
        #expect(try await router().handle(Request(.get, "/orders/7")).route == "/orders/{id}")
        do throws(Problem) {
            _ = try await router().handle(Request(.get, "/orders/x"))
            Issue.record("'x' is no order")
        } catch {
            #expect(error.response().route == "/orders/{id}")
        }
    }
}

@Suite struct ContentTests {
    static let bodies: [(String, String)] = [
        (
            #"{"items":[{"product":"a","quantity":2}]}"#,
            #"201 {"items":[{"product":"a","quantity":2}]}"#
        ),
        (
            #"{"items":[{"product":"a","quantity":"2"}]}"#,
            "422 /items/0/quantity: must be an integer"
        ),
        (
            #"{"items":[{"product":"a","quantity":2.5}]}"#,
            "422 /items/0/quantity: must be a whole number"
        ),
        (
            #"{"items":[{"product":"a","quantity":99999999999999999999}]}"#,
            "422 /items/0/quantity: must be a whole number"
        ),
        (#"{"items":[{"product":"a"}]}"#, "422 /items/0/quantity: is missing"),
        (#"{"items":[{"product":null,"quantity":1}]}"#, "422 /items/0/product: must be a string"),
        (#"{"items":{}}"#, "422 /items: must be an array"),
        (#"{}"#, "422 /items: is missing"),
        (#"[]"#, "422 /: must be an object"),
        ("{\n \"items\":[}", "400 the content is not JSON: line 2, column 11"),
        (#"{"items":[],"note":"\x"}"#, "400 the content is not JSON: line 1, column 22"),
        (#"{"items":[]} x"#, "400 the content is not JSON: line 1, column 14"),
        ("\u{1}", "400 the content is not JSON: "),
        ("", "400 the content is empty"),
        (String(repeating: " ", count: 201), "413 the content is longer than 200 bytes"),
    ]

    @Test(arguments: bodies)
    func `bad JSON is answered with the field that is wrong`(body: String, expected: String) async {
        let request = Request(
            .post,
            "/orders",
            headers: [.contentType: "application/json; charset=utf-8"],
            body: [UInt8](body.utf8)
        )
        let account = await outcome(request)
        let document = [UInt8](account.utf8.dropFirst(4))
        let detail = (try? JSON.decode(JSONValue.self, from: document))?["detail"]?.string
        let short = detail.map { "\(account.prefix(3)) \($0)" } ?? account
        #expect(short.hasPrefix(expected))
    }

    @Test(arguments: ["", "text/plain", "application/x-www-form-urlencoded", "json"])
    func `content that is not declared to be JSON is refused`(type: String) async {
        let request = Request(
            .post,
            "/orders",
            headers: [.contentType: type],
            body: [UInt8]("{}".utf8)
        )
        #expect(await outcome(request).hasPrefix("415"))
    }

    @Test(arguments: ["gzip", "br, gzip", "x", "identity, gzip"])
    func `a compressed content is refused, and it is said what is taken`(coding: String) async {
        for (target, type) in [("/orders", "application/json"), ("/form", "")] {
            let request = Request(
                .post,
                target,
                headers: [
                    .contentType: type.isEmpty ? "application/x-www-form-urlencoded" : type,
                    .contentEncoding: coding,
                ],
                body: [UInt8]("{}".utf8)
            )
            do throws(Problem) {
                if type.isEmpty {
                    _ = try await request.form()
                } else {
                    _ = try await request.json(JSONValue.self)
                }
                Issue.record("\(coding) was taken")
            } catch {
                #expect(error.status == .unsupportedMediaType)
                #expect(error.headers[.acceptEncoding] == "identity")
            }
        }
    }

    @Test func `a content that is declared to be itself is taken`() async throws {
        let headers: Headers = [.contentType: "application/json", .contentEncoding: "Identity"]
        let request = Request(.post, "/", headers: headers, body: [UInt8]("[]".utf8))
        _ = try await request.json(JSONValue.self)
    }

    @Test func `a form decodes`() async throws {
        let request = Request(
            .post,
            "/",
            headers: [.contentType: "application/x-www-form-urlencoded"],
            body: [UInt8]("amount=100&metadata%5Border_id%5D=7".utf8)
        )
        let form = try await request.form()
        #expect(form.first("amount") == "100")
        #expect(form.first("metadata[order_id]") == "7")
    }

    @Test func `a problem is a document with its members and header fields`() throws {
        let problem = Problem(
            .conflict,
            "out-of-stock",
            detail: "short",
            errors: [.init(pointer: "/items/0", detail: "sold out")],
            members: ["short": [["requested": 2]], "status": 1],
            headers: [.retryAfter: "3"]
        )
        let response = problem.response()
        guard case .bytes(let bytes) = response.body else {
            Issue.record("no content")
            return
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"detail":"short","errors":[{"detail":"sold out","pointer":"/items/0"}],"#
                + #""short":[{"requested":2}],"status":409,"title":"Out of stock","#
                + #""type":"/problems/out-of-stock"}"#
        )
        #expect(response.headers[.retryAfter] == "3")
        #expect(response.headers[.contentType] == "application/problem+json")
    }
}
