import Foundation
import Testing

/// The catalog from the gateway's cache, with what it comes from alive and dead.
@Suite(.serialized) struct CatalogCacheTests {
    @Test func `with every product replica killed the catalog still answers, and says so`()
        async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "product=2"]) { stack in
            let shopper = try await Shopper(stack)
            let curl = stack.curl
            let product = try await shopper.product()
            let page = "/products?in_stock=true&limit=50"
            let before = try await curl("GET", page)
            #expect(before.status == 200)
            #expect(before.headers["cache-status"]?.hasPrefix("anyway; ") == true, "\(before)")
            let shown = try await curl("GET", "/products/\(product)")
            #expect(shown.headers["etag"] != nil)

            // SIGKILL, both of them.
            try await stack.must("kill", "product")

            let pages = try await Self.until { try await curl("GET", page) }
            #expect(pages.status == 200 && pages.body == before.body, "\(pages)")
            let dead = try await Self.until { try await curl("GET", "/products/\(product)") }
            #expect(dead.status == 200 && dead.body == shown.body, "\(dead)")
            #expect(dead.headers["cache-status"]?.contains("detail=stale-if-error") == true)
            #expect(dead.headers["age"] != nil)
            // Nobody ever asked for this one.
            let unknown = try await curl("GET", "/products?q=nobody-asked-for-this")
            #expect([502, 503, 504].contains(unknown.status), "\(unknown)")

            try await stack.must("start", "product")
            var alive = try await curl("GET", "/products/\(product)")
            for _ in 0..<200 where alive.headers["cache-status"]?.contains("fwd-status=") != true {
                try await Task.sleep(for: .milliseconds(250))
                alive = try await curl("GET", "/products/\(product)")
            }
            #expect(alive.status == 200)
            #expect(alive.headers["cache-status"]?.contains("stale-if-error") == false, "\(alive)")
        }
    }

    /// Asks again until the answer shows that the gateway has found the service dead.
    private static func until(_ ask: () async throws -> Answer) async throws -> Answer {
        var answer = try await ask()
        for _ in 0..<40 where answer.headers["cache-status"]?.contains("stale-if-error") != true {
            try await Task.sleep(for: .milliseconds(250))
            answer = try await ask()
        }
        return answer
    }
}
