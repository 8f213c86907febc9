import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import PaymentProvider
@testable import PaymentService

/// A name server as a test plays it: it knows an address, or hangs until nobody waits any more.
private final class NameServer: Sendable {
    private let state: Mutex<(address: SocketAddress?, asked: [Deadline])>

    init(_ address: SocketAddress?) { state = Mutex((address, [])) }

    /// By when each look-up wanted to know.
    var asked: [Deadline] { state.withLock { $0.asked } }

    func hang() { state.withLock { $0.address = nil } }

    var resolver: Upstream.Resolver {
        { _, _, deadline async throws(SocketError) in
            let known = self.state.withLock { state in
                state.asked.append(deadline)
                return state.address
            }
            if let known { return [known] }
            // Who sets no deadline fails here, rather than never.
            try await EventLoop.sleep(until: deadline.or(earlier: .after(.seconds(20))))
            throw .timedOut
        }
    }
}

/// Names whose look-up hangs must hang nobody.
@Suite(.timeLimit(.minutes(1))) struct NameLookUpTests {
    private func transport(
        _ names: NameServer,
        believes: Duration = .seconds(5)
    ) throws -> HTTPTransport {
        HTTPTransport(
            client: HTTPClient(),
            endpoint: try #require(ProviderEndpoint(url: "http://provider.test:80")),
            key: try #require(ProviderKey("sk_test_0123456789")),
            resolver: names.resolver,
            resolutionTime: believes
        )
    }

    private var question: StripeRequest {
        StripeRequest(path: "/v1/payment_intents", key: nil, form: Form())
    }

    @Test func `a provider whose name is not found in time is no answer`() async throws {
        let names = NameServer(nil)
        try await onLoop {
            let transport = try transport(names)
            await #expect(throws: NoResponse(reason: "looking its name up: the deadline passed")) {
                _ = try await transport.send(question)
            }
        }
        let deadline = try #require(names.asked.first)
        #expect(names.asked.count == 1 && deadline < .after(HTTPTransport.tryTime))
    }

    @Test func `a provider that was found stays where it was while the name server hangs`()
        async throws
    {
        try await onLoop {
            let listener = try Listener.bind(.loopback(port: 0))
            let loops = try EventLoopGroup(count: 1)
            let server = HTTPServer(listener: listener) { _ throws(Problem) in .text("{}") }
            let running = Task { try await server.run(on: loops) }
            let names = NameServer(listener.address)
            let transport = try transport(names, believes: .milliseconds(500))
            #expect(try await transport.send(question).status == 200)
            names.hang()
            try await EventLoop.sleep(for: .milliseconds(500))
            // One of them looks the name up again, none fails.
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await transport.send(question).status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(names.asked.count == 2)
            running.cancel()
            _ = try? await running.value
            loops.shutdown()
        }
    }

    @Test func `an event waits for a name no longer than for anything else`() async throws {
        let names = NameServer(nil)
        try await onLoop {
            let target = try #require(
                WebhookSender.Target(url: "http://shop.test/hook", secret: "0123456789abcdef")
            )
            let sender = WebhookSender(
                to: target,
                client: HTTPClient(),
                resolver: names.resolver,
                log: .silent
            )
            sender.tell("payment_intent.succeeded", ["id": "pi_1"])
            let running = Task(executorPreference: EventLoop.required) { await sender.run() }
            while names.asked.isEmpty { try await EventLoop.sleep(for: .milliseconds(5)) }
            running.cancel()
            await running.value
        }
        let deadline = try #require(names.asked.first)
        #expect(deadline < .after(WebhookSender.tryTime))
    }

    private func onLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        try await Task(executorPreference: loop) { try await body() }.value
    }
}
