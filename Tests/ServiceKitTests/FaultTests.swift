import Glibc
import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import ServiceKit

/// `/faults` on the admin port, and what it does to requests on the service port, over real connections.
@Suite struct FaultTests {
    private static let faultsOff = FaultRoutes(faults: nil)

    /// What one request came to.
    private struct Seen {
        var status: Int?
        var content = ""
        var error: ClientError?
        var handled: Int
        var took: Duration
    }

    /// Sends `POST /orders` under some rules to a service that counts what it handles.
    private func send(_ rule: JSONValue, times: Int = 1) async throws -> [Seen] {
        let faults = FaultInjector(log: .silent)
        try faults.replace(with: ["rules": [rule]])
        let handled = Counter()
        var router = Router()
        router.on(.post, "/orders") { request throws(Problem) in
            handled.count.withLock { $0 += 1 }
            return .text(String(decoding: try await request.body(), as: UTF8.self))
        }
        return try await serving(FaultGate(faults: faults).wrap(router.handler)) { address in
            var seen: [Seen] = []
            for _ in 0..<times { seen.append(await Self.ask(address, handled)) }
            return seen
        }
    }

    /// Serves a handler while `body` runs on the server's loop.
    private func serving<Value: Sendable>(
        _ handler: @escaping Handler,
        _ body: @escaping @Sendable (SocketAddress) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        let server = HTTPServer(listener: listener, limits: limits, handler: handler)
        let running = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let value = await Task(executorPreference: group.loops[0]) {
            try await body(listener.address)
        }.result
        running.cancel()
        _ = try? await running.value
        return try value.get()
    }

    private final class Counter: Sendable { let count = Mutex(0) }

    private static func ask(_ address: SocketAddress, _ handled: Counter) async -> Seen {
        let before = handled.count.withLock { $0 }
        let started = ContinuousClock.now
        var seen = Seen(handled: 0, took: .zero)
        var request = ClientRequest(.post, "/orders", body: .bytes([UInt8]("hello".utf8)))
        request.isReplayable = false
        do throws(ClientError) {
            let response = try await HTTPClient().send(
                request,
                to: Endpoint(address),
                until: .after(.seconds(5))
            )
            seen.status = response.status.code
            seen.content = String(decoding: try await response.body(), as: UTF8.self)
        } catch { seen.error = error }
        seen.handled = handled.count.withLock { $0 } - before
        seen.took = ContinuousClock.now - started
        return seen
    }

    @Test(arguments: ["drop_request", "reset"])
    func `a request that is lost has no answer and no effect`(action: String) async throws {
        let seen = try await send([.init(action): true])
        #expect(seen.map(\.error) == [.closedEarly(sent: true)] && seen.map(\.handled) == [0])
    }

    @Test(arguments: [("drop_request", false), ("drop_reply", false), ("reset", true)])
    func `a connection that is dropped ends, one that is reset breaks`(
        action: String,
        breaks: Bool
    ) async throws {
        let faults = FaultInjector(log: .silent)
        try faults.add([action: true])
        let answer: Handler = { _ throws(Problem) in .text("ok") }
        let outcome = try await serving(FaultGate(faults: faults).wrap(answer)) { address in
            let stream = try await Reactor.Stream.connect(
                to: address,
                until: .after(.seconds(5))
            )
            defer { stream.close() }
            let get = [UInt8]("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            try await stream.write(get, until: .after(.seconds(5)))
            var buffer = ByteBuffer()
            do throws(SocketError) {
                return "\(try await stream.read(into: &buffer, until: .after(.seconds(5))))"
            } catch { return "broken" }
        }
        #expect(outcome == (breaks ? "broken" : "0"))
    }

    @Test func `a reply that is lost has its effect and no answer`() async throws {
        let seen = try await send(["drop_reply": true])
        #expect(seen.map(\.error) == [.closedEarly(sent: true)] && seen.map(\.handled) == [1])
    }

    @Test func `a duplicate has its effect twice and one answer`() async throws {
        let seen = try await send(["duplicate": true])
        #expect(seen.map(\.status) == [200] && seen.map(\.handled) == [2])
        #expect(seen.map(\.content) == ["hello"])
    }

    @Test func `a duplicate whose reply is lost has its effect twice and no answer`() async throws {
        let seen = try await send(["duplicate": true, "drop_reply": true])
        #expect(seen.map(\.error) == [.closedEarly(sent: true)] && seen.map(\.handled) == [2])
    }

    @Test func `an error is a problem document, and nothing is done`() async throws {
        let seen = try await send(["error": 503])
        #expect(seen.map(\.status) == [503] && seen.map(\.handled) == [0])
        #expect(seen[0].content.contains("/problems/injected-fault"))
    }

    @Test func `a wait delays what is done all the same`() async throws {
        let seen = try await send(["latency_ms": 120])
        #expect(seen.map(\.status) == [200] && seen.map(\.handled) == [1])
        #expect(seen[0].took >= .milliseconds(120))
    }

    @Test func `a slow content comes whole, piece by piece`() async throws {
        let seen = try await send(["slow_body": 25])
        #expect(seen.map(\.status) == [200] && seen.map(\.content) == ["hello"])
        #expect(seen[0].took >= .milliseconds(150))
    }

    @Test func `only the requests that are meant suffer`() async throws {
        let seen = try await send(
            [
                "drop_reply": true, "skip": 1, "count": 1, "route": "POST /orders",
            ],
            times: 3
        )
        #expect(seen.map(\.status) == [200, nil, 200] && seen.map(\.handled) == [1, 1, 1])
        let others = try await send(["reset": true, "caller": "order"])
        #expect(others.map(\.status) == [200])
    }

    // MARK: The admin port

    private func admin(_ routes: FaultRoutes) -> Handler {
        var router = Router()
        routes.add(to: &router)
        return router.handler
    }

    private func ask(
        _ handler: Handler,
        _ method: Method,
        _ target: String = "/faults",
        _ json: String = ""
    ) async -> (status: Int, document: JSONValue?) {
        let response: Response
        do throws(Problem) {
            let headers: Headers = json.isEmpty ? [:] : [.contentType: "application/json"]
            response = try await handler(
                Request(method, target, headers: headers, body: [UInt8](json.utf8))
            )
        } catch { response = error.response() }
        guard case .bytes(let content) = response.body else { return (response.status.code, nil) }
        return (response.status.code, try? JSON.decode(JSONValue.self, from: content))
    }

    @Test(arguments: [Method.get, .post, .put, .delete])
    func `without FAULTS=on everything is refused, and it is said why`(method: Method) async {
        let (status, document) = await ask(
            admin(Self.faultsOff),
            method,
            "/faults",
            #"{"reset": true}"#
        )
        #expect(status == 403)
        #expect(document?["detail"]?.string?.contains("FAULTS=on") == true)
    }

    private static func boot(
        _ service: String,
        _ variables: [String: String],
        on loops: EventLoopGroup
    ) throws -> Boot {
        let environment = Environment(variables)
        return try ServiceRuntime(
            name: service,
            settings: ServiceSettings(environment, service: service, transport: .plain),
            environment: environment,
            loops: loops,
            log: .silent
        ).boot
    }

    @Test(arguments: [[:], ["FAULTS": "off"], ["FAULTS": "on"]])
    func `a process has somebody to break it with FAULTS=on alone`(
        _ variables: [String: String]
    ) throws {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let boot = try Self.boot("order", variables, on: loops)
        #expect((boot.faults != nil) == (variables["FAULTS"] == "on"))
    }

    @Test func `rules are added, listed with what they did, replaced and taken away`() async {
        let faults = FaultInjector(log: .silent)
        let handler = admin(FaultRoutes(faults: faults))
        func names(_ document: JSONValue?) -> [String] {
            (document?["rules"]?.array ?? []).compactMap { $0["name"]?.string }
        }
        var answer = await ask(handler, .post, "/faults", #"{"reset": true}"#)
        #expect(answer.status == 201 && names(answer.document) == ["fault-1"])
        answer = await ask(
            handler,
            .post,
            "/faults",
            #"{"rules": [{"duplicate": true, "duration_ms": 60000}, {"name": "x", "error": 500}]}"#
        )
        #expect(names(answer.document) == ["fault-1", "fault-2", "x"])
        _ = faults.decide(.init(.incoming, .get, path: ["a"], peer: nil))
        answer = await ask(handler, .get)
        let rules = answer.document?["rules"]?.array ?? []
        #expect(rules.map { $0["seen"] } == [1, 1, 1])
        #expect(rules.map { $0["fired"] } == [1, 0, 0])
        let timed = rules.first { $0["name"] == "fault-2" }
        #expect(timed?["remaining_ms"] != nil && timed?["active"] == true)
        answer = await ask(handler, .delete, "/faults/x")
        #expect(names(answer.document) == ["fault-1", "fault-2"])
        #expect(await ask(handler, .delete, "/faults/x").status == 404)
        answer = await ask(
            handler,
            .put,
            "/faults",
            #"{"seed": 9, "rules": [{"name": "only", "reset": true}]}"#
        )
        #expect(names(answer.document) == ["only"] && answer.document?["seed"] == 9)
        answer = await ask(handler, .delete)
        #expect(answer.status == 200 && names(answer.document).isEmpty)
        #expect(answer.document?["seed"] == 9)
    }

    @Test(arguments: [
        ("{", 400, ""), ("[]", 422, ""), (#"{"rules": 3}"#, 422, "/rules"),
        (#"{"rules": [{"reset": true}, {"error": 1}]}"#, 422, "/rules/1/error"),
        (
            #"{"rules": [{"name": "a", "reset": true}, {"name": "a", "reset": true}]}"#, 422,
            "/rules/1/name"
        ),
    ])
    func `what cannot be used changes nothing`(
        json: String,
        status: Int,
        pointer: String
    ) async throws {
        let faults = FaultInjector(log: .silent)
        try faults.add(["name": "there", "reset": true])
        let handler = admin(FaultRoutes(faults: faults))
        for method in [Method.post, .put] {
            let answer = await ask(handler, method, "/faults", json)
            #expect(answer.status == status)
            let errors = answer.document?["errors"]?.array ?? []
            if status == 422, method == .post {
                #expect(errors.contains { $0["pointer"]?.string == pointer })
            }
        }
        #expect(faults.document["rules"]?.array?.count == 1)
    }

    @Test func `more rules than there may be are refused`() async throws {
        let many = (0...FaultPlan.limit).map { _ in JSONValue.object(["reset": true]) }
        let problem = #expect(throws: Problem.self) {
            try FaultInjector(log: .silent).add(["rules": .array(many)])
        }
        #expect(problem?.errors.first?.pointer == "/rules")
    }

    @Test func `faults come before middleware and routes, and what observes sees them`()
        async throws
    {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let boot = try Self.boot("gateway", ["FAULTS": "on"], on: loops)
        let seen = Mutex<[String]>([])
        func noting(_ name: String) -> Middleware {
            { next in
                { request throws(Problem) in
                    seen.withLock { $0.append(name) }
                    return try await next(request)
                }
            }
        }
        boot.middleware(noting("table"))
        boot.observing(noting("log"))
        boot.routes { router in router.on(.get, "/a") { _ throws(Problem) in .text("a") } }
        #expect(try await boot.responder.handler(Request(.get, "/a")).status == .ok)
        try boot.faults?.add(["error": 503])
        await #expect(throws: Problem.self) {
            try await boot.responder.handler(Request(.get, "/a"))
        }
        #expect(seen.withLock { $0 } == ["log", "table", "log"])
    }

    @Test func `FAULTS is off unless it is on, and nothing else`() throws {
        func takes(_ value: String?) throws -> Bool {
            let environment = Environment(value.map { ["FAULTS": $0] } ?? [:])
            return try ServiceSettings(environment, service: "x", transport: .plain).takesFaults
        }
        #expect(try !takes(nil) && !takes("off") && takes("on"))
        #expect(throws: ConfigurationError.self) { try takes("yes") }
    }
}
