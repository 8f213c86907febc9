import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry

/// Runs a test's body on an event loop, as everything that calls other services does.
func onLoop<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let loop = try EventLoop(name: "test")
    defer { loop.stop() }
    return try await Task(executorPreference: loop) { try await body() }.value
}

/// An instance of a service under test: a real server on a loop of its own.
final class Backend: Sendable {
    let group: EventLoopGroup
    let address: SocketAddress
    private let server: Task<Void, any Error>

    init(tls: TLSContext? = nil, _ handler: @escaping Handler) throws {
        let group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        self.group = group
        address = listener.address
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(10)
        let note = Note()
        let http = HTTPServer(listener: listener, tls: tls, limits: limits) {
            request throws(Problem) in
            note.add(request)
            return try await handler(request)
        }
        server = Task(executorPreference: group.loops[0]) { try await http.run(on: group) }
        self.note = note
    }

    private let note: Note

    /// Requests other than health probes.
    var requests: [Request] { note.all.filter { $0.path.description != "/health/ready" } }

    func stop() async {
        server.cancel()
        _ = try? await server.value
        group.shutdown()
    }

    private final class Note: Sendable {
        private let requests = Mutex<[Request]>([])
        func add(_ request: Request) { requests.withLock { $0.append(request) } }
        var all: [Request] { requests.withLock { $0 } }
    }
}

/// A port on which nobody listens.
func deadAddress() throws -> SocketAddress {
    let listener = try Listener.bind(.loopback(port: 0))
    return listener.address
}

func upstream(
    _ addresses: [SocketAddress],
    _ policy: MeshPolicy = MeshPolicy(),
    client: HTTPClient = HTTPClient(),
    faults: FaultInjector? = nil,
    metrics: Metrics = Metrics()
) throws -> Upstream {
    Upstream(
        name: "order",
        endpoints: try Endpoints(addresses.map(\.description).joined(separator: ",")),
        client: client,
        tls: nil,
        policy: policy,
        faults: faults,
        log: .silent,
        metrics: metrics
    )
}

/// Waits until something is so, at most five seconds.
func eventually(_ condition: () async -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if await condition() { return true }
        try await EventLoop.sleep(for: .milliseconds(10))
    }
    return false
}

/// A truth value that a test turns while a server reads it.
final class Flag: Sendable {
    private let flag: Mutex<Bool>
    init(_ value: Bool) { flag = Mutex(value) }
    var value: Bool { flag.withLock { $0 } }
    func set(_ value: Bool) { flag.withLock { $0 = value } }
}
