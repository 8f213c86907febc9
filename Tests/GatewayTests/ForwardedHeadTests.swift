import FoundationEssentials
import HTTP
import Identity
import Testing

@testable import Gateway

@Suite struct ForwardedHeadTests {
    private func names(_ headers: Headers) -> Set<String> { Set(headers.map(\.name.text)) }

    @Test(arguments: [
        "x-anyway-user", "x-anyway-role", "X-Anyway-Session", "x_anyway_user", "X-Anyway_Role",
        "x-anyway-anything", "x-user-id", "x_user_id", "authorization", "cookie", "traceparent",
        "request-deadline", "request_deadline", "via", "forwarded", "x-forwarded-for",
        "x_forwarded_for", "host", "connection", "keep-alive", "te", "trailer", "upgrade",
        "proxy-authorization", "proxy-connection", "transfer-encoding", "expect",
    ])
    func `what a client must not say inside does not cross`(_ name: String) throws {
        var request = Request(.get, "/orders")
        request.headers.set(try #require(HeaderName(name)), "evil")
        let headers = ForwardedHead.headers(request, nil)
        #expect(!headers.contains { $0.value.contains("evil") })
    }

    @Test(arguments: [
        "idempotency-key", "prefer", "if-match", "if-none-match", "accept", "content-type",
        "accept-language", "user-agent", "last-event-id", "tracestate",
    ])
    func `what a service needs crosses`(_ name: String) throws {
        var request = Request(.post, "/orders")
        request.headers.set(try #require(HeaderName(name)), "value")
        #expect(ForwardedHead.headers(request, nil).contains { $0.value == "value" })
    }

    @Test func `identity is the token's, whatever the client says and whatever Connection lists`() {
        let claims = claims(.admin)
        var request = Request(.get, "/orders")
        request.headers.set("x-anyway-user", "somebody")
        request.headers.set("connection", "x-anyway-user, x-anyway-role, x-secret")
        request.headers.set("x-secret", "1")
        let headers = ForwardedHead.headers(request, claims)
        #expect(headers.all("x-anyway-user") == [claims.subject.uuidString.lowercased()])
        #expect(headers.all("x-anyway-role") == ["admin"])
        #expect(headers.all("x-anyway-session") == [claims.session.uuidString.lowercased()])
        #expect(!headers.contains("x-secret"))
        #expect(headers.all("x-forwarded-for") == ["127.0.0.1"])
    }

    @Test(arguments: [
        ("/orders", "/orders"), ("/orders/", "/orders"), ("/", "/"), ("//orders/./x", "/orders/x"),
        ("/products?q=a%20b&q=%2F", "/products?q=a%20b&q=%2F"), ("/products?", "/products"),
        ("/products/a%20b", "/products/a%20b"), ("/products/%41", "/products/A"),
        ("/products/%C3%A9", "/products/%C3%A9"), ("/products/a%3Fb%23", "/products/a%3Fb%23"),
        ("/products/100%25", "/products/100%25"), ("/products/a;b", "/products/a%3Bb"),
    ])
    func `the target is the normalised path, encoded once`(_ raw: String, _ expected: String) {
        #expect(ForwardedHead.target(Request(.get, raw)) == expected)
    }

    @Test func `nothing of the inside reaches the client`() {
        let headers = ForwardedHead.response(
            [
                "content-type": "application/json", "connection": "close, x-inner", "x-inner": "1",
                "transfer-encoding": "chunked", "x-anyway-user": "1", "server": "s",
                "etag": "\"1\"",
                "location": "/orders/1", "retry-after": "1", "idempotency-replayed": "true",
            ],
            Standing(
                decision: .init(
                    isAllowed: true,
                    remaining: 9,
                    resetNanoseconds: 1,
                    retryNanoseconds: 0
                ),
                policy: .init(quota: 10, window: .seconds(60)),
                name: "user"
            )
        )
        #expect(
            names(headers) == [
                "content-type", "etag", "location", "retry-after", "idempotency-replayed",
                "ratelimit-policy", "ratelimit",
            ]
        )
        #expect(headers["ratelimit-policy"] == #""user";q=10;w=60"#)
        #expect(headers["ratelimit"] == #""user";r=9;t=1"#)
    }
}
