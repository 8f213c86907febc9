import FoundationEssentials
import HTTP
import Mesh
import Reactor
import Telemetry
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

    @Test(arguments: [(1000, 1), (1000, 2), (1000, 3), (1000, 7), (5, 2), (5, 5), (5, 8)])
    func `gateways that share a limit let through what it says, all together`(
        _ quota: Int,
        _ gateways: Int
    ) {
        let policy = TokenBucket.Policy(quota: quota, window: .seconds(60))
        var buckets = Array(repeating: TokenBucket(), count: gateways)
        func take(_ number: Int, at second: Int) -> Bool {
            buckets[number].take(policy, gateways: gateways, at: Int64(second) * 1_000_000_000)
                .isAllowed
        }
        var burst = 0
        for number in 0..<gateways { while take(number, at: 0) { burst += 1 } }
        #expect(burst == max(quota / gateways, 1) * gateways)
        #expect(burst <= max(quota, gateways))
        var later = 0
        for second in 1...3600 {
            for number in 0..<gateways { while take(number, at: second) { later += 1 } }
        }
        // A full bucket and 60 windows, exact but for what has not come to a whole request.
        let most = quota * 60 + max(quota, gateways)
        #expect((most - 2 * gateways...most).contains(burst + later), "\(burst) and \(later)")
    }

    @Test func `a gateway more or less changes the share of a bucket that is in use`() {
        let policy = TokenBucket.Policy(quota: 100, window: .seconds(1))
        var bucket = TokenBucket()
        for _ in 0..<50 { _ = bucket.take(policy, gateways: 2, at: 0) }
        let alone = bucket.take(policy, gateways: 2, at: 0)
        #expect(!alone.isAllowed)
        let after = bucket.take(policy, gateways: 1, at: 500_000_000)
        #expect(after.isAllowed && after.remaining == 49)
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

    @Test func `a million users take no more room than there is, and who floods stays known`() {
        let table = BucketTable<UUID>(.init(quota: 1000, window: .seconds(1)))
        let flooder = UUID()
        var allowed = 0
        // Ten seconds, a hundred thousand newcomers in each, and the flooder between any two.
        for number in 0..<1_000_000 {
            let now = Int64(number) * 10_000
            _ = table.take(UUID(), at: now)
            if table.take(flooder, at: now).isAllowed { allowed += 1 }
        }
        #expect((10_990...11_000).contains(allowed), "1,000 at once, 1,000 a second: \(allowed)")
        #expect(table.count == 65_536 && table.capacity == 65_536)
        #expect(table.bytes <= 8 << 20, "\(table.bytes) bytes")
    }

    @Test func `even when no bucket is full, the flooder's is the last to be forgotten`() {
        let table = BucketTable<UUID>(.init(quota: 5, window: .seconds(60)), limit: 1600)
        let flooder = UUID()
        var allowed = 0
        for number in 0..<100_000 {
            // All within a second: an attempt each is full again after twelve.
            let now = Int64(number) * 10_000
            _ = table.take(UUID(), at: now)
            if table.take(flooder, at: now).isAllowed { allowed += 1 }
        }
        #expect(allowed == 5)
        #expect(table.count == 1600)
    }

    @Test func `full buckets are forgotten first`() {
        let table = BucketTable<Int>(.init(quota: 2, window: .seconds(1)), limit: 4, shards: 1)
        for key in 0..<4 { _ = table.take(key, at: 0) }
        _ = table.take(0, at: 900_000_000)
        _ = table.take(0, at: 900_000_000)
        for key in 99..<102 { _ = table.take(key, at: 1_100_000_000) }
        #expect(!table.take(0, at: 1_100_000_000).isAllowed, "the busy one was kept")
        #expect(table.count == 4)
    }
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::1", "::"), ("2001:db8::1", "2001:db8::"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::ffff:10.0.0.1", "10.0.0.1"), ("1::2:3:4:5:6:7", "1:0:2:3::"), ("::", "::"),
    ])
    func `an IPv6 subscriber counts as one`(_ host: String, _ network: String) throws {
        let once = TokenBucket.Policy(quota: 1, window: .seconds(3600))
        let limiter = RequestLimiter(
            "open",
            LimitGroup(user: once, address: once),
            metrics: Metrics()
        )
        #expect(
            try limiter.count(address: SocketAddress(literal: host, port: 1)).decision.isAllowed
        )
        #expect(throws: Problem.self) {
            try limiter.count(address: SocketAddress(literal: network, port: 2))
        }
    }
}

@Suite struct LiveGatewaysTests {
    @Test func `a gateway that dies is not counted, and counted when it is back`() async throws {
        func gateway() throws -> TestServer {
            try TestServer { request throws(Problem) in
                guard request.path.description == "/health/live" else { throw .notFound() }
                return .text("ok")
            }
        }
        let (one, other) = (try gateway(), try gateway())
        try await onLoop {
            let gateways = LiveGateways(
                try Endpoints("\(one.address),\(other.address)"),
                client: HTTPClient(),
                log: .silent,
                metrics: Metrics()
            )
            #expect(gateways.count == 2, "before anything is known")
            let watch = Task(executorPreference: EventLoop.required) { await gateways.run() }
            try await EventLoop.sleep(for: .milliseconds(600))
            #expect(gateways.count == 2)
            await other.stop()
            let isNoticed = try await eventually { gateways.count == 1 }
            #expect(isNoticed)
            await one.stop()
            try await EventLoop.sleep(for: .seconds(3))
            #expect(gateways.count == 1, "this one lives, whatever it hears")
            watch.cancel()
            await watch.value
        }
    }

    @Test func `two gateways let through what one would, request by request`() async throws {
        let limit = TokenBucket.Policy(quota: 101, window: .seconds(3600))
        let group = LimitGroup(user: limit, address: limit)
        let peers = try Endpoints("127.0.0.1:1,127.0.0.1:2")
        let shared = LiveGateways(peers, client: HTTPClient(), log: .silent, metrics: Metrics())
        let both = (0..<2).map { _ in
            RequestLimiter("client", group, gateways: shared, metrics: Metrics())
        }
        let user = UUID()
        let allowed = await withTaskGroup(of: Bool.self) { tasks in
            for number in 0..<1000 {
                tasks.addTask {
                    do throws(Problem) {
                        _ = try both[number % 2].count(user: user)
                        return true
                    } catch { return false }
                }
            }
            return await tasks.reduce(into: 0) { if $1 { $0 += 1 } }
        }
        #expect(allowed == 100)
    }
}
