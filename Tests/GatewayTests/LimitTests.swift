import Testing

@testable import Gateway

@Suite struct TokenBucketTests {
    private let policy = TokenBucket.Policy(quota: 5, window: .seconds(60))

    @Test func `a full bucket lets its quota through at once, then refuses`() {
        var bucket = TokenBucket()
        for left in (0..<5).reversed() {
            let decision = bucket.take(policy, at: 0)
            #expect(decision.isAllowed)
            #expect(decision.remaining == left)
            #expect(decision.reset == .seconds((5 - left) * 12))
        }
        let refused = bucket.take(policy, at: 0)
        #expect(!refused.isAllowed)
        #expect(refused.remaining == 0)
        #expect(refused.retryAfter == .seconds(12))
    }

    @Test func `it fills at its rate`() {
        var bucket = TokenBucket()
        for _ in 0..<5 { _ = bucket.take(policy, at: 0) }
        let early = bucket.take(policy, at: 11_999_999_999)
        #expect(!early.isAllowed)
        #expect(early.retryAfter == .nanoseconds(1))
        let onTime = bucket.take(policy, at: 12_000_000_000)
        #expect(onTime.isAllowed)
        #expect(onTime.remaining == 0)
    }

    @Test func `who floods gets the rate all the same`() {
        var bucket = TokenBucket()
        let policy = TokenBucket.Policy(quota: 1000, window: .seconds(1))
        var allowed = 0
        for step in 0..<140_551 where bucket.take(policy, at: Int64(step) * 21_345).isAllowed {
            allowed += 1
        }
        #expect((3990...4005).contains(allowed), "3 s at 1,000/s and a full bucket: \(allowed)")
    }

    @Test func `a bucket never holds more than its quota`() {
        var bucket = TokenBucket()
        _ = bucket.take(policy, at: 0)
        let decision = bucket.take(policy, at: 1_000_000_000_000)
        #expect(decision.remaining == 4)
        #expect(bucket.isFull(at: 1_012_000_000_000))
        let full = bucket.isFull(at: 1_011_999_999_999)
        #expect(!full)
    }
}

@Suite struct BucketTableTests {
    @Test func `each key has its own bucket`() {
        let table = BucketTable<String>(.init(quota: 1, window: .seconds(1)))
        #expect(table.take("a", at: 0).isAllowed)
        #expect(!table.take("a", at: 0).isAllowed)
        #expect(table.take("b", at: 0).isAllowed)
    }

    @Test func `the table is bounded whatever comes`() {
        let table = BucketTable<Int>(
            .init(quota: 2, window: .seconds(3600)),
            limit: 160,
            shards: 16
        )
        for key in 0..<20_000 { _ = table.take(key, at: Int64(key)) }
        #expect(table.count <= 160)
    }

    @Test func `full buckets are forgotten first`() {
        let table = BucketTable<Int>(.init(quota: 2, window: .seconds(1)), limit: 4, shards: 1)
        for key in 0..<4 { _ = table.take(key, at: 0) }
        _ = table.take(0, at: 900_000_000)
        _ = table.take(0, at: 900_000_000)
        _ = table.take(99, at: 1_100_000_000)
        #expect(!table.take(0, at: 1_100_000_000).isAllowed, "the busy one was kept")
        #expect(table.count == 2)
    }
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::1", "0:0:0:0"), ("2001:db8::1", "2001:db8:0:0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"), ("2001:db8:1:2::", "2001:db8:1:2"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("1::2:3:4:5:6:7", "1:0:2:3"), ("::", "0:0:0:0"),
    ])
    func `an IPv6 subscriber counts as one`(_ host: String, _ network: String) {
        #expect(RequestLimiter.network(host) == network)
    }
}
