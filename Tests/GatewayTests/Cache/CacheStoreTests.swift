import HTTP
import Telemetry
import Testing

@testable import Gateway

/// The cache's decisions without a network.
@Suite struct CacheStoreTests {
    static func key(_ path: String, _ query: String = "") throws -> CacheKey {
        CacheKey(isSecure: false, host: "a", path: try #require(Path(path)), query: query)
    }

    static func response(_ size: Int, requested: Int64 = 0, vary: String? = nil) throws
        -> StoredResponse
    {
        let headers: Headers = vary == nil ? [:] : [.vary: "foo"]
        return StoredResponse(
            status: .ok,
            headers: headers,
            date: HTTPTime(seconds: 0),
            body: [UInt8](repeating: 0, count: size),
            freshness: Freshness(lifetime: 60),
            age: ResponseAge(initial: 0, arrived: requested),
            variant: try #require(Variant(headers, of: vary.map { ["foo": $0] } ?? [:])),
            requested: requested
        )
    }

    @Test func `what was not used for longest goes first`() throws {
        var shard = CacheShard(capacity: 5000)
        let keys = try (0..<5).map { try Self.key("/\($0)") }
        for key in keys.prefix(4) { shard.insert(try Self.response(400), for: key) }
        #expect(shard.count == 4)
        #expect(shard.find(keys[0]).count == 1)
        shard.insert(try Self.response(400), for: keys[4])
        #expect(shard.evictions == 1)
        #expect(keys.map { shard.find($0).count } == [1, 0, 1, 1, 1])
        #expect(shard.bytes <= 5000)
    }

    @Test func `bytes are counted with what keeping takes, and given back`() throws {
        var shard = CacheShard(capacity: 1 << 20)
        for number in 0..<100 {
            shard.insert(try Self.response(number), for: try Self.key("/\(number % 10)"))
        }
        #expect(shard.count == 10)
        #expect(shard.bytes > 10 * (512 + 90))
        #expect(shard.removeAll { _ in true } == 10)
        #expect(shard.bytes == 0 && shard.count == 0)
        #expect(shard.find(try Self.key("/1")).isEmpty)
    }

    @Test func `what has no room is not kept and pushes nothing out`() throws {
        var shard = CacheShard(capacity: 2000)
        shard.insert(try Self.response(100), for: try Self.key("/a"))
        #expect(try !shard.insert(Self.response(5000), for: Self.key("/b")))
        #expect(shard.count == 1)
    }

    @Test func `a key has so many variants and no more`() throws {
        var shard = CacheShard(capacity: 1 << 20)
        let key = try Self.key("/a")
        for number in 0..<40 { shard.insert(try Self.response(10, vary: "\(number)"), for: key) }
        let variants = shard.find(key)
        #expect(variants.count == 16)
        #expect(variants.first?.variant.fits(["foo": "39"]) == true)
        shard.insert(try Self.response(10, vary: "39"), for: key)
        #expect(shard.find(key).count == 16)
    }

    @Test func `random use keeps the order's links whole`() throws {
        var shard = CacheShard(capacity: 20_000)
        var generator = SystemRandomNumberGenerator()
        let keys = try (0..<50).map { try Self.key("/\($0)") }
        for _ in 0..<5000 {
            let key = keys[Int.random(in: 0..<50, using: &generator)]
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: _ = shard.find(key)
            case 1: if let kept = shard.find(key).first { shard.remove(kept, for: key) }
            default: shard.insert(try Self.response(Int.random(in: 0..<900)), for: key)
            }
            #expect(shard.bytes <= 20_000)
        }
        let kept = keys.reduce(0) { $0 + shard.find($1).count }
        #expect(kept == shard.count)
    }

    @Test func `a purge counts for what was asked for before it`() {
        var log = PurgeLog()
        log.purge(path: "/a", .outdated, at: 10)
        #expect(log.effect(on: "/a", requested: 10) == .outdated)
        #expect(log.effect(on: "/a", requested: 11) == .none)
        #expect(log.effect(on: "/b", requested: 5) == .none)
        log.purge(path: "/a", .gone, at: 20)
        #expect(log.effect(on: "/a", requested: 15) == .gone)
        log.purgeEverything(.outdated, at: 30)
        #expect(log.effect(on: "/b", requested: 29) == .outdated)
        #expect(log.effect(on: "/a", requested: 15) == .gone, "the stronger counts")
        #expect(log.effect(on: "/a", requested: 31) == .none)
    }

    @Test func `purges beyond number forget none of them`() {
        var log = PurgeLog()
        for number in 0..<(3 * PurgeLog.limit) {
            log.purge(path: "/\(number)", number % 2 == 0 ? .gone : .outdated, at: Int64(number))
        }
        for number in 0..<(3 * PurgeLog.limit) {
            let effect = log.effect(on: "/\(number)", requested: Int64(number))
            #expect(effect >= (number % 2 == 0 ? .gone : .outdated))
        }
    }

    @Test func `what was purged on its way is not kept`() throws {
        let cache = EdgeCache(metrics: Metrics())
        let key = try Self.key("/a")
        let old = try Self.response(10, requested: EdgeCache.now)
        cache.purge(path: "/a", .gone)
        #expect(!cache.insert(old, for: key))
        #expect(cache.insert(try Self.response(10, requested: EdgeCache.now + 1), for: key))
        #expect(cache.snapshot.entries == 1)
        cache.purgeEverything(.gone)
        #expect(cache.snapshot.entries == 0 && cache.snapshot.bytes == 0)
    }

    @Test(arguments: [
        // Age is the larger of what the date tells and what the field tells, with the way here.
        (0, 0, "", 0, 0), (0, 2, "", 0, 2), (0, 2, "5", 0, 7), (0, 2, "5", 30, 30),
        (0, 2, "5", 6, 7),
        (0, 0, "5", -30, 5), (0, 0, "x", 3, 3), (0, 1, "0", 0, 1),
    ])
    func `age is reckoned as RFC 9111 section 4.2.3 has it`(
        requested: Int64,
        arrived: Int64,
        field: String,
        behind: Int64,
        expected: Int64
    ) {
        let second: Int64 = 1_000_000_000
        let age = ResponseAge(
            requested: requested * second,
            arrived: arrived * second,
            ageFields: field.isEmpty ? [] : [field],
            date: HTTPTime(seconds: 1000 - behind),
            now: HTTPTime(seconds: 1000)
        )
        #expect(age.initial == expected * second)
        #expect(age.nanoseconds(at: (arrived + 9) * second) == (expected + 9) * second)
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("SUN, 06 nOV 1994 08:49:37 gmt", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_199),
            ("Thursday, 18-Aug-50 02:01:18 GMT", 2_544_400_878),
            ("Sun, 21 Nov 2286 04:46:39 GMT", 10_000_039_599),
            ("Sun, 06 Nov 1994 08:49:37 UTC", nil), ("Sun 06 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 6 Nov 1994 08:49:37 GMT", nil), ("Sun, 06  Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 94 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 8:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 24:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 GMT ", nil),
            ("Sun, 06-Nov-1994 08:49:37 GMT", nil), ("0", nil), ("", nil),
            ("Sun, 00 Nov 1994 08:49:37 GMT", nil),
        ] as [(String, Int64?)]
    )
    func `dates are read in three forms and no other`(text: String, expected: Int64?) {
        let now = HTTPTime(seconds: 1_800_000_000)
        #expect(HTTPTime(text, now: now)?.seconds == expected)
    }

    @Test func `a date that is written is read again`() {
        for seconds in stride(from: Int64(-1_000_000_000), to: 9_000_000_000, by: 86_399 * 997) {
            let time = HTTPTime(seconds: seconds)
            #expect(HTTPTime("\(time)") == time)
        }
    }
}
