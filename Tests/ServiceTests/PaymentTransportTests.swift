import Contracts
import FoundationEssentials
import HTTP
import Identity
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
            ("https://api.stripe.com", "api.stripe.com", 443), ("https://a:8443/", "a", 8443),
        ] as [(String, String, UInt16)]
    )
    func `a provider's URL names host and port`(url: String, host: String, port: UInt16) {
        let endpoint = ProviderEndpoint(url: url)
        #expect(endpoint?.host == host)
        #expect(endpoint?.port == port)
    }

    @Test(arguments: [
        "", "provider:80", "ftp://api.stripe.com", "https://", "http://", "http://:80",
        "http://a:0",
        "http://a:65536", "http://a:b", "http://a/v1", "http://u:p@a", "http://a?x", "http://[::1",
        "http://a b", "http://a\r\nx",
    ])
    func `another URL is refused`(url: String) {
        #expect(ProviderEndpoint(url: url) == nil)
    }

    @Test func `over TLS the certificate must be the host's and come from who is trusted`()
        async throws
    {
        let folder = try TemporaryFolder()
        let authority = try CertificateAuthority.make()
        let stranger = try CertificateAuthority.make()
        let url = "https://127.0.0.1"
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            let router = try Sandbox(database: database).router
            let good = try folder.server(authority, addresses: ["127.0.0.1"])
            try await withServer(router.handler, tls: good) { port in
                let trusting = try folder.client(trusting: authority)
                guard case .charged = try await client(port, url, trusting).charge(Self.payment)
                else {
                    Issue.record("not charged")
                    return
                }
                for wrong in [try folder.client(trusting: stranger), try folder.client()] {
                    let answer = try await client(port, url, wrong).charge(Self.payment)
                    guard case .unknown(let reason) = answer, reason.contains("certificate") else {
                        Issue.record("\(answer)")
                        return
                    }
                }
            }
            let elsewhere = try folder.server(authority, addresses: ["127.0.0.2"])
            try await withServer(router.handler, tls: elsewhere) { port in
                let trusting = try folder.client(trusting: authority)
                let answer = try await client(port, url, trusting).charge(Self.payment)
                guard case .unknown(let reason) = answer, reason.contains("mismatch") else {
                    Issue.record("\(answer)")
                    return
                }
            }
        }
    }

    @Test(arguments: ["pm_card_slow", "pm_card_lostReply", "pm_card_errorAfterCharge"])
    func `a card that loses the answer is charged, and says so when it is asked again`(
        card: String
    ) async throws {
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            let router = try Sandbox(database: database).router
            try await withServer(router.handler) { port in
                let client = try client(port)
                // On a connection that is kept, as in life.
                #expect(await client.lookUp(Self.payment) == .absent)
                let payment = Self.payment.with(card)
                let first = await Deadline.$current.withValue(.after(.milliseconds(500))) {
                    await client.charge(payment)
                }
                guard case .unknown = first else {
                    Issue.record("\(first)")
                    return
                }
                guard case .charged(let intent) = await client.charge(payment) else {
                    Issue.record("not charged")
                    return
                }
                #expect(await client.lookUp(payment) == .charged(intent: intent))
            }
        }
    }

    @Test func `a card that is rate limited is never charged and can be fenced`() async throws {
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            let router = try Sandbox(database: database).router
            try await withServer(router.handler) { port in
                let client = try client(port)
                let payment = Self.payment.with("pm_card_rateLimited")
                for _ in 0..<2 {
                    let answer = await client.charge(payment)
                    #expect(answer == .unknown("status 429 invalid_request_error rate_limit"))
                }
                guard case .fenced = await client.fence(payment) else {
                    Issue.record("not fenced")
                    return
                }
            }
        }
    }

    private func client(
        _ port: UInt16,
        _ url: String = "http://127.0.0.1",
        _ tls: TLSContext? = nil,
        key: String = "sk_test_0123456789"
    ) throws -> StripeClient {
        StripeClient(
            transport: HTTPTransport(
                client: HTTPClient(),
                endpoint: try #require(ProviderEndpoint(url: "\(url):\(port)")),
                key: try #require(ProviderKey(key)),
                tls: tls
            )
        )
    }

    /// A server on a free port for the length of `body`, which runs on its loop.
    private func withServer(
        _ handler: @escaping Handler,
        tls: TLSContext? = nil,
        _ body: @escaping @Sendable (UInt16) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        let port = listener.address.port
        let result = await Task(executorPreference: group.loops[0]) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let server = HTTPServer(
                    listener: listener,
                    tls: tls,
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

/// A folder for certificates, gone with the test.
private final class TemporaryFolder: Sendable {
    private let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "anyway-provider-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func server(_ authority: CertificateAuthority, addresses: [String]) throws -> TLSContext {
        let name = "provider"
        try authority.issue(name, addresses: addresses, days: 1)
            .write(certificateFile: "\(path)/\(name).pem", keyFile: "\(path)/\(name).key")
        return try .server(
            TLSConfiguration(
                certificateFile: "\(path)/\(name).pem",
                keyFile: "\(path)/\(name).key",
                caFile: nil,
                requirePeer: false
            )
        )
    }

    /// Trusts one authority, or the system's.
    func client(trusting authority: CertificateAuthority? = nil) throws -> TLSContext {
        var file: String?
        if let authority {
            let name = "\(path)/\(UUID().uuidString).pem"
            try SecretFile.write(authority.certificatePEM, to: name, mode: 0o644)
            file = name
        }
        return try .client(
            TLSConfiguration(
                certificateFile: nil,
                keyFile: nil,
                caFile: file,
                requirePeer: false
            )
        )
    }
}

extension Payment {
    fileprivate func with(_ card: String) -> Payment {
        Payment(
            order: order,
            id: id,
            customer: customer,
            status: status,
            amountCents: amountCents,
            currency: currency,
            method: PaymentMethod(card),
            intent: nil,
            declineCode: nil,
            keyIsFresh: true
        )
    }

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
