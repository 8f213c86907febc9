import HTTP
import Reactor
import Testing

@testable import Gateway

@Suite struct CacheCollapseTests {
    /// The contents that so many clients get who ask at once.
    private static func crowd(
        _ count: Int,
        _ bench: CacheBench,
        _ target: String,
        _ headers: @escaping @Sendable (Int) -> Headers = { _ in [:] }
    ) async throws -> [CacheAnswer] {
        try await withThrowingTaskGroup(of: CacheAnswer.self) { group in
            for number in 0..<count {
                group.addTask { try await bench.ask(.get, target, headers(number)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `many who ask for the same thing make one call`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60 | after: 200"])
        let answers = try await onLoop { try await Self.crowd(40, bench, "/a") }
        #expect(bench.requests("/a").count == 1)
        #expect(answers.allSatisfy { $0.status == 200 && $0.body == "#1" })
        let statuses = answers.map(\.cacheStatus)
        #expect(
            statuses.count { $0.hasPrefix("anyway; fwd=uri-miss; fwd-status=200; stored;") } == 1
        )
        #expect(statuses.count { $0.contains("collapsed") } == 39)
        await bench.stop()
    }

    @Test func `an answer that may not be shared is asked for by each, all at once`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: private | after: 300"])
        let start = ContinuousClock.now
        let answers = try await onLoop { try await Self.crowd(20, bench, "/a") }
        #expect(Set(answers.map(\.body)).count == 20)
        // One after the other they would take six seconds: the first one's time and then, together, as long again.
        #expect(ContinuousClock.now - start < .seconds(3))
        // From then on nobody waits for a first one.
        let again = try await onLoop { try await Self.crowd(5, bench, "/a") }
        #expect(Set(again.map(\.body)).count == 5)
        #expect(bench.requests("/a").count == 25)
        await bench.stop()
    }

    @Test func `a page that is stale at once is never another's`() async throws {
        let bench = try CacheBench()
        bench.script("/a", [#"200 | cache-control: max-age=0 | etag: "a" | after: 100"#])
        let answers = try await onLoop { try await Self.crowd(10, bench, "/a") }
        #expect(Set(answers.map(\.body)).count == 10)
        await bench.stop()
    }

    @Test func `variants are asked for side by side`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60 | vary: foo | after: 150"])
        let answers = try await onLoop {
            _ = try await bench.ask(.get, "/a", ["foo": "x"])
            return try await Self.crowd(20, bench, "/a") { ["foo": "\($0 % 2)"] }
        }
        #expect(bench.requests("/a").count == 3)
        #expect(Set(answers.map(\.body)) == ["#2", "#3"])
        await bench.stop()
    }

    @Test func `a call that fails fails for all who waited for it`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["abort | after: 200"])
        bench.script("/b", ["200 | cache-control: max-age=0, stale-if-error=60", "abort"])
        let (failed, saved) = try await onLoop {
            let failed = try await Self.crowd(10, bench, "/a")
            _ = try await bench.ask(.get, "/b")
            return (failed, try await Self.crowd(10, bench, "/b"))
        }
        #expect(failed.allSatisfy { $0.status == 502 })
        #expect(saved.allSatisfy { $0.status == 200 && $0.body == "#1" })
        await bench.stop()
    }

    @Test func `a service that answers that it fails is asked once for all who wait`() async throws
    {
        let bench = try CacheBench()
        bench.script(
            "/a",
            [
                "200 | cache-control: max-age=60, stale-if-error=600 | age: 61",
                "503 | after: 200",
            ]
        )
        let answers = try await onLoop {
            _ = try await bench.ask(.get, "/a")
            return try await Self.crowd(10, bench, "/a")
        }
        #expect(bench.requests("/a").count == 2)
        #expect(answers.allSatisfy { $0.status == 200 && $0.body == "#1" })
        #expect(answers.allSatisfy { $0.cacheStatus.contains("fwd-status=503") })
        await bench.stop()
    }

    @Test func `a validation is shared as well`() async throws {
        let bench = try CacheBench()
        bench.script(
            "/a",
            [
                #"200 | cache-control: max-age=60 | age: 61 | etag: "a""#,
                "304 | cache-control: max-age=60 | after: 200",
            ]
        )
        let answers = try await onLoop {
            _ = try await bench.ask(.get, "/a")
            return try await Self.crowd(20, bench, "/a")
        }
        #expect(bench.requests("/a").count == 2)
        #expect(answers.allSatisfy { $0.status == 200 && $0.body == "#1" })
        await bench.stop()
    }

    @Test func `who leaves leaves the call to the next`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60 | after: 400"])
        let answer = try await onLoop {
            let first = try await Reactor.Stream.connect(
                to: bench.front.address,
                until: .after(.seconds(5))
            )
            let head = [UInt8]("GET /a HTTP/1.1\r\nHost: \(bench.front.address)\r\n\r\n".utf8)
            try await first.write(head, until: .after(.seconds(5)))
            #expect(try await eventually { bench.requests("/a").count == 1 })
            async let second = bench.ask(.get, "/a")
            try await EventLoop.sleep(for: .milliseconds(50))
            first.closeHard()
            return try await second
        }
        #expect(answer.status == 200 && answer.body == "#2")
        await bench.stop()
    }
}
