import Contracts
import HTTP
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import PaymentProvider
@testable import PaymentService

/// The provider client over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PaymentTransportTests {
    static let payment = Payment(
        order: .next(),
        id: .next(),
        customer: .next(),
        status: .processing,
        amountCents: 1999,
        currency: "USD",
        method: PaymentMethod("pm_card_visa"),
        intent: nil,
        declineCode: nil,
        keyIsFresh: true
    )

    @Test func `a charge, a void and a refund go over the wire`() async throws {
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            let router = try Sandbox(database: database).router
            try await withServer(router.handler) { port in
                let client = try client(port)
                #expect(await client.lookUp(Self.payment) == .absent)
                guard case .charged(let intent) = await client.charge(Self.payment) else {
                    Issue.record("not charged")
                    return
                }
                #expect(await client.charge(Self.payment) == .charged(intent: intent))
                #expect(await client.fence(Self.payment) == .keyTaken)
                #expect(await client.lookUp(Self.payment) == .charged(intent: intent))
                let captured = Self.payment.captured(intent)
                guard case .refunded(let refund) = await client.refund(captured) else {
                    Issue.record("not refunded")
                    return
                }
                #expect(await client.refund(captured) == .refunded(refund: refund))
            }
        }
    }

    @Test func `a wrong key is unknown, not declined`() async throws {
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            let router = try Sandbox(database: database).router
            try await withServer(router.handler) { port in
                let answer = try await client(port, key: "sk_test_wrong_key").charge(Self.payment)
                #expect(answer == .unknown("status 401 invalid_request_error "))
            }
        }
    }

    @Test func `a provider that does not answer in time is unknown`() async throws {
        let silence: Handler = { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(30))
            return .empty()
        }
        try await withServer(silence) { port in
            let client = try client(port)
            let start = Deadline.now
            // The caller's own deadline is earlier than the 2 s of a try.
            let answer = await Deadline.$current.withValue(.after(.milliseconds(200))) {
                await client.charge(Self.payment)
            }
            #expect(start.advanced(by: .milliseconds(1500)) > .now)
            guard case .unknown = answer else {
                Issue.record("\(answer)")
                return
            }
        }
    }

    @Test func `a provider that is not there is unknown`() async throws {
        // Bound once, so free; closed again with the listener.
        let port = try Listener.bind(.loopback(port: 0)).address.port
        try await onLoop {
            let client = try client(port)
            guard case .unknown = await client.charge(Self.payment) else {
                Issue.record("an answer from nobody")
                return
            }
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:12111", "127.0.0.1", 12111), ("http://provider", "provider", 80),
            ("http://provider:8081/", "provider", 8081), ("http://[::1]:9", "::1", 9),
        ] as [(String, String, UInt16)]
    )
    func `a provider's URL names host and port`(url: String, host: String, port: UInt16) {
        let endpoint = ProviderEndpoint(url: url)
        #expect(endpoint?.host == host)
        #expect(endpoint?.port == port)
    }

    @Test(arguments: [
        "", "provider:80", "https://api.stripe.com", "http://", "http://:80", "http://a:0",
        "http://a:65536", "http://a:b", "http://a/v1", "http://u:p@a", "http://a?x", "http://[::1",
        "http://a b", "http://a\r\nx",
    ])
    func `another URL is refused`(url: String) {
        #expect(ProviderEndpoint(url: url) == nil)
    }

    private func client(_ port: UInt16, key: String = "sk_test_0123456789") throws -> StripeClient {
        StripeClient(
            transport: HTTPTransport(
                client: HTTPClient(),
                endpoint: try #require(ProviderEndpoint(url: "http://127.0.0.1:\(port)")),
                key: try #require(ProviderKey(key))
            )
        )
    }

    /// A server on a free port for the length of `body`, which runs on its loop.
    private func withServer(
        _ handler: @escaping Handler,
        _ body: @escaping @Sendable (UInt16) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        let port = listener.address.port
        let result = await Task(executorPreference: group.loops[0]) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let server = HTTPServer(
                    listener: listener,
                    limits: Self.limits,
                    handler: handler
                )
                tasks.addTask { try await server.run(on: group) }
                try await body(port)
                tasks.cancelAll()
            }
        }.result
        group.shutdown()
        try result.get()
    }

    private func onLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let group = try EventLoopGroup(count: 1)
        let result = await Task(executorPreference: group.loops[0], operation: body).result
        group.shutdown()
        try result.get()
    }

    private static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(100)
        return limits
    }
}

extension Payment {
    fileprivate func captured(_ intent: String) -> Payment {
        Payment(
            order: order,
            id: id,
            customer: customer,
            status: .refunding,
            amountCents: amountCents,
            currency: currency,
            method: method,
            intent: intent,
            declineCode: nil,
            keyIsFresh: true
        )
    }
}
