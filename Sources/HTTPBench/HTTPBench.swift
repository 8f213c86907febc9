import Glibc
import HTTP
import Reactor
import ServiceKit
import Telemetry

/// The server that `make bench-http` compares with nginx: the production stack around small routes.
///
/// Router, trace and deadline of each request, metrics by route and a log at level info are those of
/// every service; only the wiring is shorter, because there is no database and the TLS port must
/// admit clients without a certificate. With `TRACES=on` a span of each request is kept as well.
@main
enum HTTPBench {
    /// Serves until it is killed: `httpbench PORT [TLS_PORT CERTIFICATE KEY]`, on one event loop.
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let port = arguments.first.flatMap({ UInt16($0) }) else {
            print("usage: httpbench PORT [TLS_PORT CERTIFICATE KEY]")
            exit(64)
        }
        let secure = arguments.dropFirst()
        let group = try EventLoopGroup(count: 1)
        let isTracing = unsafe getenv("TRACES").map { unsafe String(cString: $0) } == "on"
        let stack = Stack(isTracing ? Tracer(loops: group.loops) : nil)
        let plain = try stack.server(port: port, tls: nil)
        var servers = [plain]
        if secure.count == 3, let first = secure.first, let securePort = UInt16(first) {
            let files = Array(secure.dropFirst())
            let context = try TLSContext.server(
                TLSConfiguration(
                    certificateFile: files.first,
                    keyFile: files.last,
                    caFile: nil,
                    requirePeer: false
                )
            )
            servers.append(try stack.server(port: securePort, tls: context))
        }
        let all = servers
        try group.runBlocking {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for server in all { tasks.addTask { try await server.run(on: group) } }
                try await tasks.waitForAll()
            }
        }
    }
}

/// What surrounds the routes in every service.
private struct Stack {
    private let context: RequestContext
    private let observer: RequestObserver
    private let responder: Responder

    init(_ tracer: Tracer?) {
        let log = Logger(service: "httpbench", instance: "httpbench", level: .info)
        context = RequestContext(log: log, tracer: tracer)
        observer = RequestObserver(log: log, metrics: Metrics())
        var router = Router()
        BenchRoutes().add(to: &router)
        responder = router.responder
    }

    func server(port: UInt16, tls: TLSContext?) throws -> HTTPServer {
        var limits = HTTPLimits()
        limits.connectionsPerAddress = limits.connections
        return HTTPServer(
            listener: try Listener.bind(.loopback(port: port)),
            tls: tls,
            limits: limits,
            observe: { [observer] in observer.observe($0) },
            responder: context.wrap(responder)
        )
    }
}
