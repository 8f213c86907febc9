import HTTP
import Testing

@testable import Gateway

extension CacheTableTests {
    @Test func `what is kept is validated`() async throws {
        try await play(Self.validation, on: CacheBench())
    }

    static let validation = CacheCase.table(
        #"""
        by tag :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | cache-control: max-age=60 | etag: "a" :: GET > #1 // GET > 200 #1 fwd=stale fwd-status=304 stored // GET > #1 hit :: if-none-match: "a" // calls=2
        by weak tag :: 200 | cache-control: max-age=60 | age: 61 | etag: W/"a" // 304 | cache-control: max-age=60 :: GET > #1 // GET > 200 #1 // GET > hit :: if-none-match: W/"a"
        by date :: 200 | cache-control: max-age=60 | age: 61 | last-modified: Sun, 06 Nov 1994 08:49:37 GMT // 304 | cache-control: max-age=60 :: GET > #1 // GET > 200 #1 // GET > hit :: if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT // !if-none-match
        no validator, no condition :: 200 | cache-control: max-age=60 | age: 61 :: GET > #1 // GET > #2 :: !if-none-match // !if-modified-since
        something newer :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 200 | cache-control: max-age=60 | etag: "b" :: GET > #1 // GET > 200 #2 fwd-status=200 // GET > #2 hit
        a 304 brings fields :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" | x-a: 1 | x-b: 1 // 304 | cache-control: max-age=60 | x-a: 2 :: GET > x-a=1 // GET > x-a=2 x-b=1 // GET > hit x-a=2 x-b=1
        but not what describes the bytes :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" | content-encoding: x // 304 | cache-control: max-age=60 | content-encoding: y | content-range: z :: GET > content-encoding=x // GET > content-encoding=x !content-range // GET > hit content-encoding=x
        a 304 can end it :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | cache-control: no-store // 200 | etag: "b" :: GET > #1 // GET > 200 #1 // GET > #3 fwd=uri-miss
        a 304 about something else :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | etag: "b" // 200 | cache-control: max-age=60 | etag: "b" :: GET > #1 // GET > 200 #3 // GET > #3 hit :: !if-none-match
        gone :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 404 // 404 :: GET > #1 // GET > 404 #2 // GET > 404 #3 fwd=uri-miss
        a client's tag, fresh :: 200 | cache-control: max-age=60 | etag: "a" | content-type: text/plain :: GET > #1 // GET | if-none-match: "a" > 304 hit etag="a" !content-type cache-control=max-age=60 :: calls=1
        another tag, fresh :: 200 | cache-control: max-age=60 | etag: "a" :: GET > #1 // GET | if-none-match: "b" > 200 #1 hit
        one of several tags :: 200 | cache-control: max-age=60 | etag: "a" :: GET > #1 // GET | if-none-match: "x", W/"a" > 304 hit
        any tag :: 200 | cache-control: max-age=60 :: GET > #1 // GET | if-none-match: * > 304 hit
        a tag before anything is kept :: 200 | cache-control: max-age=60 | etag: "a" :: GET | if-none-match: "a" > 304 fwd=uri-miss stored // GET > 200 #1 hit :: !if-none-match
        a client's tag, stale :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | cache-control: max-age=60 :: GET > #1 // GET | if-none-match: "a" > 304 fwd=stale fwd-status=304 // GET > 200 #1 hit
        a client's other tag, stale :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | cache-control: max-age=60 :: GET > #1 // GET | if-none-match: "b" > 200 #1 :: if-none-match: "a"
        a client's date :: 200 | cache-control: max-age=60 | last-modified: {now-100} :: GET > #1 // GET | if-modified-since: {now-100} > 304 hit // GET | if-modified-since: {now-50} > 304 hit // GET | if-modified-since: {now-200} > 200 #1 hit
        a date that is none :: 200 | cache-control: max-age=60 | last-modified: {now-100} :: GET > #1 // GET | if-modified-since: yesterday > 200 hit
        the tag over the date :: 200 | cache-control: max-age=60 | etag: "a" | last-modified: {now-100} :: GET > #1 // GET | if-none-match: "b" | if-modified-since: {now} > 200 hit
        conditions are for 200 alone :: 404 | cache-control: max-age=60 | etag: "a" :: GET > 404 // GET | if-none-match: "a" > 404 hit
        If-Match is the origin's :: 200 | cache-control: max-age=60 | etag: "a" :: GET > #1 // GET | if-match: "a" > #2 fwd=bypass :: if-match: "a"
        HEAD from GET :: 200 | cache-control: max-age=60 | x-a: 1 :: GET > #1 // HEAD > 200 hit x-a=1 content-length=2 :: calls=1
        GET from HEAD :: 200 | cache-control: max-age=60 :: HEAD > 200 fwd=uri-miss stored // GET > #1 hit :: calls=1
        HEAD renews :: 200 | cache-control: max-age=60 | age: 61 | etag: "a" // 304 | cache-control: max-age=60 :: GET > #1 // HEAD > 200 fwd-status=304 // GET > #1 hit
        """#
    )

    @Test func `what may have changed is asked for again`() async throws {
        try await play(Self.invalidation, on: CacheBench())
    }

    static let invalidation = CacheCase.table(
        #"""
        POST :: 200 | cache-control: max-age=60 :: GET > #1 // POST > 200 !cache-status // GET > #3 fwd=uri-miss
        PUT :: 200 | cache-control: max-age=60 :: GET > #1 // PUT > 200 // GET > #3
        DELETE :: 200 | cache-control: max-age=60 // 204 // 200 | cache-control: max-age=60 :: GET > #1 // DELETE > 204 // GET > #3
        PATCH, answered with a redirect :: 200 | cache-control: max-age=60 // 303 | location: / // 200 :: GET > #1 // PATCH > 303 // GET > #3
        with any query :: 200 | cache-control: max-age=60 :: GET ?a=1 > #1 // POST > 200 // GET ?a=1 > #3
        in all variants :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: 1 > #1 // GET | foo: 2 > #2 // POST > 200 // GET | foo: 1 > #4 // GET | foo: 2 > #5
        not when it failed :: 200 | cache-control: max-age=60 // 500 // 200 :: GET > #1 // POST > 500 // GET > #1 hit
        not when it was refused :: 200 | cache-control: max-age=60 // 409 // 200 :: GET > #1 // POST > 409 // GET > #1 hit
        when nobody knows :: 200 | cache-control: max-age=60 // abort // 200 | cache-control: max-age=60 :: GET > #1 // POST > 502 // GET > #3 fwd=stale
        OPTIONS changes nothing :: 200 | cache-control: max-age=60 :: GET > #1 // OPTIONS > 204 // GET > #1 hit
        what is changed below changes the collection :: 200 | cache-control: max-age=60 :: GET ?q=1 > #1 // POST /7 > 200 // GET ?q=1 > #2 fwd=stale
        and not what lies beside it :: 200 | cache-control: max-age=60 :: GET > #1 // POST /../other > 200 // GET > #1 hit
        """#
    )

    @Test func `other places that changed are named by the answer`() async throws {
        let bench = try CacheBench()
        let kept = "200 | cache-control: max-age=60"
        try await onLoop {
            for path in ["/a", "/b/c", "/d", "/e"] { bench.script(path, [kept]) }
            for path in ["/a", "/b/c", "/d", "/e"] {
                _ = try await bench.ask(.get, path, ["host": "x"])
            }
            bench.script(
                "/b/new",
                [
                    "200 | location: /a?x=1 | content-location: c",
                    "200 | location: http://x/d | content-location: http://y/e",
                ]
            )
            _ = try await bench.ask(.post, "/b/new", ["host": "x"])
            #expect(try await bench.ask(.get, "/a", ["host": "x"]).body == "#2")
            #expect(try await bench.ask(.get, "/b/c", ["host": "x"]).body == "#2")
            #expect(try await bench.ask(.get, "/d", ["host": "x"]).body == "#1")
            _ = try await bench.ask(.post, "/b/new", ["host": "x"])
            #expect(try await bench.ask(.get, "/d", ["host": "x"]).body == "#2")
            #expect(try await bench.ask(.get, "/e", ["host": "x"]).body == "#1", "another origin's")
        }
        await bench.stop()
    }

    @Test func `each status is kept as its meaning allows`() async throws {
        let explicit = [
            200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451,
            499, 500, 501, 502, 503, 504, 599,
        ]
        let heuristic = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]
        var table = explicit.map { code in
            CacheCase(
                "\(code) with max-age",
                ["\(code) | cache-control: max-age=60"],
                ["GET > \(code)", "GET > \(code) hit"],
                calls: 1
            )
        }
        table += explicit.map { code in
            let isKept = heuristic.contains(code)
            return CacheCase(
                "\(code) with a date",
                ["\(code) | last-modified: {now-86400}"],
                ["GET > \(code)", "GET > \(code) \(isKept ? "hit" : "fwd=uri-miss")"]
            )
        }
        table += CacheCase.table(
            #"""
            206 is never kept :: 206 | cache-control: max-age=60 | content-range: bytes 0-1/9 :: GET > 206 !stored // GET > 206 !hit :: calls=2
            public stands for a status :: 599 | cache-control: public | last-modified: {now-86400} :: GET > 599 // GET > 599 hit
            changed just now :: 200 | last-modified: {now} :: GET > #1 // GET > #2
            explicit over heuristic :: 200 | cache-control: max-age=0 | last-modified: {now-86400} :: GET > #1 // GET > #2
            """#
        )
        try await play(table, on: CacheBench(cache: #"{"heuristics": true}"#))
    }

    @Test func `a part is given of what is whole`() async throws {
        try await play(Self.ranges, on: CacheBench())
    }

    static let ranges = CacheCase.table(
        #"""
        from, to :: 200 | cache-control: max-age=60 | body: #0123456789 :: GET > 200 // GET | range: bytes=0-1 > 206 #0 hit content-range=bytes_0-1/11 :: calls=1
        from :: 200 | cache-control: max-age=60 | body: 01234#6789 :: GET > 200 // GET | range: bytes=5- > 206 #6789 content-range=bytes_5-9/10
        the last :: 200 | cache-control: max-age=60 | body: 01234567#9 :: GET > 200 // GET | range: bytes=-2 > 206 #9 content-range=bytes_8-9/10
        to beyond the end :: 200 | cache-control: max-age=60 | body: 01234567#9 :: GET > 200 // GET | range: bytes=8-99 > 206 #9 content-range=bytes_8-9/10
        beyond the end :: 200 | cache-control: max-age=60 :: GET > 200 // GET | range: bytes=2- > 416 content-range=bytes_*/2
        none at all :: 200 | cache-control: max-age=60 :: GET > 200 // GET | range: bytes=-0 > 416
        several :: 200 | cache-control: max-age=60 :: GET > 200 // GET | range: bytes=0-0,1-1 > 200 #1 hit
        another unit :: 200 | cache-control: max-age=60 :: GET > 200 // GET | range: lines=0-1 > 200 #1 hit
        malformed :: 200 | cache-control: max-age=60 :: GET > 200 // GET | range: bytes=1-0 > 200 #1 hit // GET | range: bytes=- > 200 #1 hit // GET | range: bytes=a-b > 200 #1 hit
        if it is this :: 200 | cache-control: max-age=60 | etag: "a" :: GET > 200 // GET | range: bytes=0-0 | if-range: "a" > 206 // GET | range: bytes=0-0 | if-range: "b" > 200 #1
        if it is as old as this :: 200 | cache-control: max-age=60 | last-modified: Sun, 06 Nov 1994 08:49:37 GMT :: GET > 200 // GET | range: bytes=0-0 | if-range: Sun, 06 Nov 1994 08:49:37 GMT > 206 // GET | range: bytes=0-0 | if-range: Sun, 06 Nov 1994 08:49:38 GMT > 200 #1
        unchanged comes first :: 200 | cache-control: max-age=60 | etag: "a" :: GET > 200 // GET | range: bytes=0-0 | if-none-match: "a" > 304
        with nothing kept it goes on, and is not kept :: 206 | cache-control: max-age=60 | content-range: bytes 0-0/9 // 200 | cache-control: max-age=60 :: GET | range: bytes=0-0 > 206 #1 !stored // GET > 200 #2 fwd=uri-miss stored
        an origin that knows no parts :: 200 | cache-control: max-age=60 :: GET | range: bytes=0-0 > 200 #1 !stored // GET > #2 stored
        stale, it goes on :: 200 | cache-control: max-age=60 | age: 61 // 206 | content-range: bytes 0-0/2 // 206 :: GET > #1 // GET | range: bytes=0-0 > 206 #2 fwd=stale :: range: bytes=0-0
        HEAD has no parts :: 200 | cache-control: max-age=60 :: GET > 200 // HEAD | range: bytes=0-0 > 200 hit content-length=2
        """#
    )

    @Test func `what needs an account is kept only if the origin says so`() async throws {
        try await play(Self.authorization, on: CacheBench())
    }

    static let authorization = CacheCase.table(
        #"""
        max-age is not enough :: 200 | cache-control: max-age=60 :: GET | authorization: x > #1 !stored // GET > #2 stored :: !authorization
        public :: 200 | cache-control: max-age=60, public :: GET | authorization: x > #1 stored // GET > #1 hit :: authorization: x
        must-revalidate :: 200 | cache-control: max-age=60, must-revalidate :: GET | authorization: x > #1 // GET | authorization: y > #1 hit
        s-maxage :: 200 | cache-control: s-maxage=60 :: GET | authorization: x > #1 // GET > #1 hit
        Expires is not enough :: 200 | expires: {now+60} :: GET | authorization: x > #1 !stored // GET > #2
        what all may have is given to all :: 200 | cache-control: max-age=60 :: GET > #1 // GET | authorization: x > #1 hit
        a cookie alone changes nothing :: 200 | cache-control: max-age=60 :: GET | cookie: a=b > #1 // GET | cookie: a=c > #1 hit :: cookie: a=b
        """#
    )
}
