import HTTP
import Mesh
import Reactor
import Testing

@testable import Gateway

@Suite struct CacheStaleTests {
    @Test func `what is stale stands in for an origin that fails`() async throws {
        try await play(Self.failures, on: CacheBench())
    }

    static let failures = CacheCase.table(
        #"""
        no connection :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // abort :: GET > #1 // GET > 200 #1 hit detail=stale-if-error !fwd-status=502
        500 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 500 :: GET > #1 // GET > 200 #1 fwd=stale fwd-status=500 detail=stale-if-error
        502 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 502 :: GET > #1 // GET > 200 #1 fwd-status=502
        503 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 503 :: GET > #1 // GET > 200 #1 fwd-status=503
        504 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 504 :: GET > #1 // GET > 200 #1 fwd-status=504
        501 is an answer :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 501 :: GET > #1 // GET > 501 #2
        404 is an answer :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 404 :: GET > #1 // GET > 404 #2
        for as long as it was said :: 200 | cache-control: max-age=60, stale-if-error=30 | age: 100 // 503 :: GET > #1 // GET > 503 #2
        not if it was not said :: 200 | cache-control: max-age=60 | age: 61 // 503 // abort :: GET > #1 // GET > 503 #2 // GET > 502
        if the client says it :: 200 | cache-control: max-age=60 | age: 61 // 503 :: GET > #1 // GET | cache-control: stale-if-error=60 > 200 #1
        not against must-revalidate :: 200 | cache-control: max-age=60, stale-if-error=600, must-revalidate | age: 61 // 503 :: GET > #1 // GET > 503
        not against proxy-revalidate :: 200 | cache-control: max-age=60, stale-if-error=600, proxy-revalidate | age: 61 // 503 :: GET > #1 // GET > 503
        not against s-maxage :: 200 | cache-control: s-maxage=60, stale-if-error=600 | age: 61 // 503 :: GET > #1 // GET > 503
        not against no-cache :: 200 | cache-control: max-age=60, stale-if-error=600, no-cache // 503 :: GET > #1 // GET > 503
        not against a client's no-cache :: 200 | cache-control: max-age=60, stale-if-error=600 // 503 :: GET > #1 // GET | cache-control: no-cache > 503
        but against its max-age=0 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 5 // 503 :: GET > #1 // GET | cache-control: max-age=0 > 200 #1 fwd=request
        without freshness of its own :: 200 | cache-control: max-age=0, stale-if-error=600 // 503 :: GET > #1 // GET > 200 #1
        as a 304 :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 | etag: "a" // 503 :: GET > #1 // GET | if-none-match: "a" > 304
        as a part :: 200 | cache-control: max-age=60, stale-if-error=600 | age: 61 // 503 :: GET > #1 // GET | range: bytes=0-0 > 206 # fwd-status=503
        """#
    )

    @Test func `a route can say what its origin does not`() async throws {
        let cache = #"{"default_ttl": 60, "stale_if_error": 600, "stale_while_revalidate": 30}"#
        try await play(
            CacheCase.table(
                #"""
                default :: 200 :: GET > #1 stored // GET > #1 hit
                the origin's word counts :: 200 | cache-control: max-age=0 :: GET > #1 // GET > #1 hit detail=stale-while-revalidate
                no default for a status that is not kept by itself :: 403 :: GET > 403 #1 // GET > 403 #2
                nor against no-store :: 200 | cache-control: no-store :: GET > #1 // GET > #2
                if-error :: 200 | cache-control: max-age=60 | age: 200 // 503 :: GET > #1 // GET > 200 #1
                if-error said otherwise :: 200 | cache-control: max-age=60, stale-if-error=0 | age: 200 // 503 :: GET > #1 // GET > 503
                never against must-revalidate :: 200 | cache-control: max-age=60, must-revalidate | age: 70 // 503 :: GET > #1 // GET > 503
                """#
            ),
            on: CacheBench(cache: cache)
        )
    }

    @Test func `off is off`() async throws {
        try await play(
            CacheCase.table(
                #"""
                off :: 200 | cache-control: max-age=60 :: GET > #1 !cache-status !age // GET > #2 !cache-status
                """#
            ),
            on: CacheBench(cache: #""off""#)
        )
    }

    @Test func `what is stale for a moment is given, and renewed meanwhile`() async throws {
        let bench = try CacheBench()
        bench.script(
            "/a",
            [
                #"200 | cache-control: max-age=60, stale-while-revalidate=60 | age: 70 | etag: "a""#,
                #"200 | cache-control: max-age=60 | etag: "b""#,
            ]
        )
        try await onLoop {
            _ = try await bench.ask(.get, "/a")
            let stale = try await bench.ask(.get, "/a")
            #expect(stale.body == "#1")
            #expect(stale.cacheStatus.hasPrefix("anyway; hit; ttl=-1"))
            #expect(stale.cacheStatus.hasSuffix("; detail=stale-while-revalidate"))
            #expect(try await eventually { bench.requests("/a").count == 2 })
            #expect(bench.requests("/a").last?.headers[.ifNoneMatch] == #""a""#)
            let isRenewed = try await eventually {
                (try? await bench.ask(.get, "/a"))?.body == "#2"
            }
            #expect(isRenewed)
            #expect(bench.requests("/a").count == 2)
        }
        await bench.stop()
    }

    @Test func `many who find it stale renew it once`() async throws {
        let bench = try CacheBench()
        bench.script(
            "/a",
            [
                "200 | cache-control: max-age=60, stale-while-revalidate=60 | age: 70",
                "200 | cache-control: max-age=60 | after: 200",
            ]
        )
        try await onLoop {
            _ = try await bench.ask(.get, "/a")
            for _ in 0..<20 { #expect(try await bench.ask(.get, "/a").body == "#1") }
            #expect(try await eventually { (try? await bench.ask(.get, "/a"))?.body == "#2" })
        }
        #expect(bench.requests("/a").count == 2)
        await bench.stop()
    }

    @Test func `beyond its window it is asked for first`() async throws {
        try await play(
            CacheCase.table(
                #"""
                over :: 200 | cache-control: max-age=60, stale-while-revalidate=5 | age: 70 :: GET > #1 // GET > #2 fwd=stale
                forbidden :: 200 | cache-control: max-age=60, stale-while-revalidate=50, must-revalidate | age: 70 :: GET > #1 // GET > #2
                a client that wants it fresh :: 200 | cache-control: max-age=60, stale-while-revalidate=50 | age: 70 :: GET > #1 // GET | cache-control: min-fresh=1 > #2
                """#
            ),
            on: CacheBench()
        )
    }

    @Test func `with the origin dead its pages are still there`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=0, stale-if-error=600"])
        bench.script("/b", ["200 | cache-control: max-age=60"])
        let answers = try await onLoop {
            _ = try await bench.ask(.get, "/a")
            _ = try await bench.ask(.get, "/b")
            await bench.origin.stop()
            return [
                try await bench.ask(.get, "/a"), try await bench.ask(.get, "/b"),
                try await bench.ask(.get, "/c"),
            ]
        }
        #expect(answers.map(\.status) == [200, 200, 503])
        #expect(answers[0].cacheStatus.contains("detail=stale-if-error"))
        #expect(answers[1].cacheStatus.hasPrefix("anyway; hit"))
        await bench.front.stop()
    }
}
