import Contracts
import FoundationEssentials
import HTTP
import Identity
import Mesh
import Reactor
import Synchronization
import Telemetry

@testable import Gateway

/// Runs a test's body on an event loop.
func onLoop<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let loop = try EventLoop(name: "test")
    defer { loop.stop() }
    return try await Task(executorPreference: loop) { try await body() }.value
}

/// Waits until something is so, at most five seconds.
func eventually(_ condition: () async -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if await condition() { return true }
        try await EventLoop.sleep(for: .milliseconds(10))
    }
    return false
}

/// A real HTTP server on loopback.
final class TestServer: Sendable {
    let address: SocketAddress
    private let group: EventLoopGroup
    private let task: Task<Void, any Error>

    convenience init(loops: Int = 1, _ handler: @escaping Handler) throws {
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(10)
        try self.init(loops: loops, limits: limits, handler)
    }

    convenience init(loops: Int = 1, limits: HTTPLimits, _ handler: @escaping Handler) throws {
        try self.init(loops: loops, limits: limits, responder: Responder(handler))
    }

    init(loops: Int = 1, limits: HTTPLimits, responder: Responder) throws {
        let group = try EventLoopGroup(count: loops)
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(listener: listener, limits: limits, responder: responder)
        self.group = group
        address = listener.address
        task = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
    }

    func stop() async {
        task.cancel()
        _ = try? await task.value
        group.shutdown()
    }
}

/// The gateway's own parts before services that a test plays.
final class GatewayBench: Sendable {
    let publisher = Publisher()
    let key: SigningKey
    let handler: Handler
    let table: RouteTable
    let tokens: TokenGate
    let service: TestServer
    private let seen: Seen

    /// Requests that reached a service.
    var requests: [Request] { seen.requests.withLock { $0 } }

    private final class Seen: Sendable {
        let requests = Mutex<[Request]>([])
    }

    /// The built-in routes before one service that plays them all.
    ///
    /// - Parameters:
    ///   - upstream: who plays them in the service's place.
    ///   - other: a second instance of each, beside the service.
    ///   - streams: the most event streams of one instance.
    init(
        upstream: SocketAddress? = nil,
        beside other: SocketAddress? = nil,
        streams: Int = EventStreamLimit.perProcess,
        policy: MeshPolicy = MeshPolicy(),
        shedding: ConcurrencyLimit.Policy = ConcurrencyLimit.Policy(),
        service answer: @escaping Handler = { _ throws(Problem) in .text("ok") },
        plan change: (inout RoutingPlan) -> Void = { _ in }
    ) throws {
        key = try SigningKey.generate()
        publisher.publish([key])
        let seen = Seen()
        self.seen = seen
        service = try TestServer { request throws(Problem) in
            seen.requests.withLock { $0.append(request) }
            return try await answer(request)
        }
        let metrics = Metrics()
        tokens = TokenGate(
            source: publisher.fetch,
            log: .silent,
            metrics: metrics,
            now: { 1_800_000_000 }
        )
        let instances = [upstream ?? service.address, other].compactMap(\.self)
        let addresses = instances.map(\.description).joined(separator: ",")
        var plan = try RoutingPlan(PackageResources.routes_json) { _ in addresses }
        change(&plan)
        let services = ServiceUpstreams(policy, streams: streams, log: .silent, metrics: metrics)
        table = RouteTable(tokens: tokens, metrics: metrics, shedding: shedding) { name, origin in
            services.upstream(name, origin)
        }
        table.take(plan, keysFromUpstream: false)
        var router = Router()
        Welcome().add(to: &router)
        let view = GatewayView(name: "gateway.1", table: table, gateways: LiveGateways())
        view.addOperations(to: &router, OpsGate(tokens: tokens, table: table, metrics: metrics))
        handler = table.wrap(router.handler)
    }

    func token(_ claims: AccessClaims = claims()) throws -> String {
        "Bearer \(try TokenSigner(key).sign(claims))"
    }

    /// What the gateway answers, problems included.
    func ask(
        _ method: Method,
        _ target: String,
        _ headers: Headers = [:],
        body: [UInt8] = []
    ) async -> Response {
        do throws(Problem) {
            return try await handler(Request(method, target, headers: headers, body: body))
        } catch {
            return error.response()
        }
    }
}
