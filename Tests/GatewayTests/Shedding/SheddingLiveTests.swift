import HTTP
import Mesh
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// A service that answers when a test says so.
final class HeldService: Sendable {
    private let gate = OneShot<Bool>()
    private let seen = Mutex<[String: Int]>([:])

    /// Requests that arrived, by path.
    var arrived: [String: Int] { seen.withLock { $0 } }

    func open() { gate.resolve(true) }

    @Sendable func answer(_ request: Request) async throws(Problem) -> Response {
        seen.withLock { $0[request.path.description, default: 0] += 1 }
        _ = await gate.wait(until: .after(.seconds(20)))
        return .text("done")
    }
}

@Suite struct SheddingLiveTests {
    private static let routes: [Route] = [
        ("/browse", Priority.low), ("/cart", .normal), ("/checkout", .high),
    ].map { path, priority in
        var route = Route([.get], path, to: "product")
        route.priority = priority
        route.timeout = .seconds(20)
        return route
    }

    private static func bench(_ held: HeldService, initial: Double) throws -> GatewayBench {
        var shedding = ConcurrencyLimit.Policy()
        shedding.initial = initial
        return try GatewayBench(
            shedding: shedding,
            service: { request throws(Problem) in try await held.answer(request) },
            plan: { $0.routes = routes }
        )
    }

    @Test func `what has no place is refused at once, the least important first`() async throws {
        let held = HeldService()
        let bench = try Self.bench(held, initial: 20)
        let (refusals, rest) = try await onLoop {
            try await withThrowingTaskGroup(of: Response.self) { group in
                var refusals: [String: [Response]] = [:]
                for (path, count) in [("/browse", 30), ("/cart", 30), ("/checkout", 30)] {
                    for _ in 0..<count { group.addTask { await bench.ask(.get, path) } }
                    // Those that are let in wait for the service; the others are answered.
                    let places = ["/browse": 16, "/cart": 3, "/checkout": 1][path] ?? 0
                    for _ in places..<count {
                        if let response = try await group.next() {
                            refusals[path, default: []].append(response)
                        }
                    }
                    let isFull = try await eventually { held.arrived[path] == places }
                    #expect(isFull, "\(held.arrived)")
                }
                held.open()
                return (refusals, try await group.reduce(into: [Response]()) { $0.append($1) })
            }
        }
        #expect(refusals.mapValues(\.count) == ["/browse": 14, "/cart": 27, "/checkout": 29])
        for response in refusals.values.joined() {
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.contentType] == "application/problem+json")
            #expect(["1", "2", "3"].contains(response.headers[.retryAfter]))
            #expect(response.headers.contains("ratelimit"))
            guard case .bytes(let body) = response.body else { continue }
            #expect(String(decoding: body, as: UTF8.self).contains("/problems/overloaded"))
        }
        #expect(rest.map(\.status.code) == Array(repeating: 200, count: 20))
        #expect(bench.requests.count == 20, "the refused ones never reached the service")
        await bench.service.stop()
    }

    @Test func `when a call has ended its place is free, however it ended`() async throws {
        let bench = try GatewayBench(
            shedding: {
                var policy = ConcurrencyLimit.Policy()
                (policy.initial, policy.range) = (4, 4...4)
                return policy
            }(),
            service: { request throws(Problem) in
                if request.query.first("fail") != nil { throw .unavailable("down") }
                return .text("ok")
            },
            plan: { $0.routes = Self.routes }
        )
        let statuses = try await onLoop {
            var statuses: Set<Int> = []
            for number in 0..<30 {
                let target = number % 2 == 0 ? "/checkout" : "/checkout?fail=1"
                statuses.insert(await bench.ask(.get, target).status.code)
            }
            #expect(bench.table.limits.shedders["product"]?.refused == PerPriority(0))
            let departing = (0..<20).map { _ in
                Task(executorPreference: EventLoop.required) {
                    await bench.ask(.get, "/checkout")
                }
            }
            for task in departing { task.cancel() }
            for task in departing { _ = await task.value }
            return statuses
        }
        #expect(statuses.isSubset(of: [200, 502, 503]) && statuses.contains(200))
        let limits = bench.table.limits.shedders["product"]
        #expect(limits?.inFlight == PerPriority(0))
        await bench.service.stop()
    }

    @Test func `one upstream that has too much to do takes no place from another`() async throws {
        let held = HeldService()
        var slow = Route([.get], "/slow", to: "order")
        slow.timeout = .seconds(20)
        let quick = Route([.get], "/quick", to: "product")
        var shedding = ConcurrencyLimit.Policy()
        shedding.initial = 4
        let bench = try GatewayBench(
            shedding: shedding,
            service: { request throws(Problem) in
                if request.path.description == "/quick" { return .text("ok") }
                return try await held.answer(request)
            },
            plan: { [slow] in $0.routes = [slow, quick] }
        )
        let (refused, statuses) = try await onLoop {
            await withTaskGroup(of: Int.self) { group in
                for _ in 0..<50 { group.addTask { await bench.ask(.get, "/slow").status.code } }
                var refused = 0
                while refused < 46, await group.next() == 503 { refused += 1 }
                var statuses: Set<Int> = []
                for _ in 0..<50 { statuses.insert(await bench.ask(.get, "/quick").status.code) }
                held.open()
                await group.waitForAll()
                return (refused, statuses)
            }
        }
        #expect(refused == 46)
        #expect(statuses == [200])
        await bench.service.stop()
    }
}
