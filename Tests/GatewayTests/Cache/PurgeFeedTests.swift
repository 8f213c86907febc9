import HTTP
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// Events that make pages old.
@Suite struct PurgeFeedTests {
    /// A feed as services serve it: every page is what was told since the cursor.
    private final class Feed: Sendable {
        let events = Mutex<[(type: String, subject: String)]>([])
        let asked = Mutex<[String]>([])
        let isGone = Mutex(false)

        func tell(_ type: String, _ subject: String) {
            events.withLock { $0.append((type, subject)) }
        }

        func answer(_ request: Request) async -> Response {
            let after = request.query.first("after") ?? ""
            asked.withLock { $0.append(after) }
            if after != "newest", isGone.withLock({ $0 }) {
                isGone.withLock { $0 = false }
                return .empty(.gone)
            }
            if after == "newest" { return page([], events.withLock { $0.count }) }
            let start = Int(after) ?? 0
            for _ in 0..<20 where events.withLock({ $0.count }) <= start {
                try? await EventLoop.sleep(for: .milliseconds(10))
            }
            return events.withLock { page(Array($0.dropFirst(start)), $0.count) }
        }

        private func page(_ events: [(type: String, subject: String)], _ next: Int) -> Response {
            .json(
                [
                    "events": .array(
                        events.map { ["type": .string($0.type), "subject": .string($0.subject)] }
                    ),
                    "next": .string("\(next)"),
                ] as JSONValue
            )
        }
    }

    private final class World: Sendable {
        let feed = Feed()
        let service: TestServer
        let bench: CacheBench

        init() throws {
            let feed = feed
            service = try TestServer { request throws(Problem) in
                if request.path.description == "/events" { return await feed.answer(request) }
                let headers: Headers = [.cacheControl: "max-age=60, stale-if-error=60"]
                return .text("\(UInt64.random(in: 0 ... .max))", headers: headers)
            }
            bench = try CacheBench(
                room: #"{"feeds": [{"upstream": "shop", "path": "/events"}]}"#,
                more: """
                    {"path": "/products", "methods": ["GET"], "upstream": "shop", "retries": 0,
                     "cache": {"events": ["created", "changed"]}},
                    {"path": "/products/{id}", "methods": ["GET"], "upstream": "shop", "retries": 0,
                     "cache": {"events": ["changed"]}},
                    """,
                upstreams: #""shop": {"endpoints": "\#(service.address)", "tls": "none"},"#
            )
        }
    }

    @Test func `what an event is about is asked for again, and nothing else`() async throws {
        let world = try World()
        let bench = world.bench
        try await onLoop {
            let following = Task(executorPreference: EventLoop.required) {
                await PurgeFeed(table: bench.table, log: .silent).run()
            }
            #expect(try await eventually { world.feed.asked.withLock { $0.count > 1 } })
            let page = try await bench.ask(.get, "/products?q=1").body
            let one = try await bench.ask(.get, "/products/1").body
            let two = try await bench.ask(.get, "/products/2").body
            #expect(try await bench.ask(.get, "/products?q=1").body == page)
            world.feed.tell("changed", "1")
            #expect(
                try await eventually { (try? await bench.ask(.get, "/products/1"))?.body != one }
            )
            #expect(try await bench.ask(.get, "/products?q=1").body != page)
            #expect(try await bench.ask(.get, "/products/2").body == two)
            let newPage = try await bench.ask(.get, "/products?q=1").body
            world.feed.tell("unheard of", "2")
            world.feed.tell("created", "3")
            #expect(
                try await eventually {
                    (try? await bench.ask(.get, "/products?q=1"))?.body != newPage
                }
            )
            #expect(try await bench.ask(.get, "/products/2").body == two)
            following.cancel()
            await following.value
        }
        await bench.stop()
        await world.service.stop()
    }

    @Test func `where events were missed everything is old`() async throws {
        let world = try World()
        let bench = world.bench
        try await onLoop {
            let following = Task(executorPreference: EventLoop.required) {
                await PurgeFeed(table: bench.table, log: .silent).run()
            }
            #expect(try await eventually { world.feed.asked.withLock { $0.count > 1 } })
            let one = try await bench.ask(.get, "/products/1").body
            world.feed.isGone.withLock { $0 = true }
            #expect(
                try await eventually { (try? await bench.ask(.get, "/products/1"))?.body != one }
            )
            following.cancel()
            await following.value
        }
        await bench.stop()
        await world.service.stop()
    }

    @Test func `an old page stands in for a service that is gone`() async throws {
        let world = try World()
        let bench = world.bench
        try await onLoop {
            let page = try await bench.ask(.get, "/products").body
            try bench.cache.purge(path: "/products", .outdated)
            await world.service.stop()
            let saved = try await bench.ask(.get, "/products")
            #expect(saved.status == 200 && saved.body == page)
            #expect(saved.cacheStatus.contains("stale-if-error"))
            try bench.cache.purge(path: "/products", .gone)
            #expect(try await bench.ask(.get, "/products").status == 503)
        }
        await bench.stop()
    }

    @Test(arguments: [
        ("/products", "7", "/products"), ("/products/{id}", "7", "/products/7"),
        ("/a/{id}/b", "7", "/a/7/b"), ("/a/{x}/{y}", "7", nil), ("/a/{rest...}", "7", nil),
        ("/products/{id}", "../x", nil),
    ])
    func `a template and a subject make a path`(template: String, subject: String, path: String?) {
        #expect(PurgeFeed.path(template, subject) == path)
    }

    @Test func `operators see what is kept and purge it`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60"])
        var router = Router()
        CacheRoutes(table: bench.table).add(to: &router)
        try await onLoop { [router] in
            func admin(_ method: HTTP.Method, _ target: String, _ body: String = "") async
                -> Response
            {
                let headers: Headers = body.isEmpty ? [:] : [.contentType: "application/json"]
                let request = Request(method, target, headers: headers, body: [UInt8](body.utf8))
                do throws(Problem) { return try await router.handle(request) } catch {
                    return error.response()
                }
            }
            func report() async throws -> JSONValue {
                guard case .bytes(let bytes) = await admin(.get, "/cache").body else {
                    return .null
                }
                return try JSON.decode(JSONValue.self, from: bytes)
            }
            _ = try await bench.ask(.get, "/a")
            _ = try await bench.ask(.get, "/a")
            let kept = try await report()
            #expect(kept["entries"]?.integer == 1 && kept["hits"]?.integer == 1)
            #expect(kept["misses"]?.integer == 1 && kept["bytes"]?.integer ?? 0 > 500)
            #expect(await admin(.post, "/cache/purge", #"{"path": "/b"}"#).status == .noContent)
            #expect(try await bench.ask(.get, "/a").body == "#1")
            #expect(await admin(.post, "/cache/purge", #"{"path": "/a"}"#).status == .noContent)
            #expect(try await bench.ask(.get, "/a").body == "#2")
            #expect(await admin(.post, "/cache/purge", #"{"all": true}"#).status == .noContent)
            #expect(try await report()["entries"]?.integer == 0)
            for wrong in ["{}", #"{"path": "a"}"#, #"{"path": "/a", "all": true}"#] {
                #expect(await admin(.post, "/cache/purge", wrong).status == .badRequest)
            }
        }
        await bench.stop()
    }

    @Test func `other routes or origins begin with nothing`() async throws {
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60"])
        try await onLoop {
            _ = try await bench.ask(.get, "/a")
            var plan = try #require(bench.table.cached?.plan)
            bench.table.take(plan)
            #expect(try await bench.ask(.get, "/a").body == "#1", "nothing has changed")
            plan.routes[0].types = ["*/*"]
            bench.table.take(plan)
            #expect(try await bench.ask(.get, "/a").body == "#2")
            plan.routes[0].cache = nil
            bench.table.take(plan)
            #expect(try await bench.ask(.get, "/a").body == "#3")
        }
        await bench.stop()
    }
}
