import Glibc
import HTTP
import Identity
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

/// Certificates of one authority in a folder of their own.
private struct Certificates {
    private let authority: CertificateAuthority
    private let folder: String

    init() throws {
        var template = Array("/tmp/anyway-mesh-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        authority = try CertificateAuthority.make()
        try SecretFile.write(authority.certificatePEM, to: "\(folder)/ca.pem", mode: 0o644)
    }

    func of(_ name: String, by issuer: CertificateAuthority? = nil, days: Int = 1) throws
        -> TLSConfiguration
    {
        try (issuer ?? authority).issue(name, days: days)
            .write(certificateFile: "\(folder)/\(name).pem", keyFile: "\(folder)/\(name).key")
        return TLSConfiguration(
            certificateFile: "\(folder)/\(name).pem",
            keyFile: "\(folder)/\(name).key",
            caFile: "\(folder)/ca.pem",
            requirePeer: true
        )
    }

    func remove(_ names: [String]) {
        for name in names {
            unlink("\(folder)/\(name).pem")
            unlink("\(folder)/\(name).key")
        }
        unlink("\(folder)/ca.pem")
        rmdir(folder)
    }
}

@Suite struct UpstreamIdentityTests {
    /// Calls the upstream `order` where a server with the certificate of `name` answers.
    private func callOrder(answeredBy name: String) async throws -> (CallOutcome, [Request]) {
        let certificates = try Certificates()
        defer { certificates.remove(["gateway", name]) }
        let backend = try Backend(tls: try .server(certificates.of(name))) { _ throws(Problem) in
            .empty()
        }
        let client = try TLSContext.client(certificates.of("gateway"))
        let outcome = try await onLoop {
            let service = Upstream(
                name: "order",
                endpoints: try Endpoints(backend.address.description),
                client: HTTPClient(),
                tls: client,
                log: .silent,
                metrics: Metrics()
            )
            return await service.attempt(ClientRequest(.get, "/"), .init(isIdempotent: false))
        }
        await backend.stop()
        return (outcome, backend.requests)
    }

    @Test func `both sides know each other by certificate`() async throws {
        let (outcome, requests) = try await callOrder(answeredBy: "order")
        #expect(try outcome.result.get().peerIdentity == "spiffe://anyway/order")
        #expect(requests.map(\.caller) == ["gateway"])
    }

    @Test func `a server that is somebody else never sees the request`() async throws {
        let (outcome, requests) = try await callOrder(answeredBy: "payment")
        guard case .failure(.unavailable) = outcome.result else {
            Issue.record("\(outcome.result)")
            return
        }
        #expect(requests.isEmpty)
    }

    /// What a caller logs of an instance of `order` whose certificate is not good.
    private func refusal(
        _ name: String = "order",
        by issuer: CertificateAuthority? = nil,
        days: Int = 1
    ) async throws -> (CallOutcome, [Substring]) {
        let certificates = try Certificates()
        defer { certificates.remove(["gateway", name]) }
        let server = try certificates.of(name, by: issuer, days: days)
        let backend = try Backend(tls: try .server(server)) { _ throws(Problem) in .empty() }
        let client = try TLSContext.client(certificates.of("gateway"))
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let sink = LogSink(descriptor: ends[1])
        let outcome = try await onLoop {
            let service = Upstream(
                name: "order",
                endpoints: try Endpoints(backend.address.description),
                client: HTTPClient(),
                tls: client,
                log: Logger(service: "gateway", instance: "gateway.1", sink: sink),
                metrics: Metrics()
            )
            _ = await service.attempt(ClientRequest(.get, "/"), .init(isIdempotent: false))
            return await service.attempt(ClientRequest(.get, "/"), .init(isIdempotent: false))
        }
        sink.close()
        close(ends[1])
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(ends[0], &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        close(ends[0])
        await backend.stop()
        #expect(backend.requests.isEmpty)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        return (outcome, lines.filter { $0.contains("TLS peer refused") })
    }

    @Test func `an expired server is refused, and the log says why, once`() async throws {
        let (outcome, lines) = try await refusal(days: -1)
        guard case .failure(.unavailable) = outcome.result else {
            Issue.record("\(outcome.result)")
            return
        }
        #expect(lines.count == 1 && lines.first?.contains("certificate has expired") == true)
        #expect(lines.first?.contains(#""upstream":"order""#) == true)
    }

    @Test func `a server of a foreign authority is refused, and the log says why`() async throws {
        let (_, lines) = try await refusal(by: CertificateAuthority.make())
        #expect(lines.count == 1 && lines.first?.contains("the peer's certificate: ") == true)
    }

    @Test func `a server with another identity is refused, and the log says why`() async throws {
        let (_, lines) = try await refusal("payment")
        let reason = "the peer is spiffe://anyway/payment, not spiffe://anyway/order"
        #expect(lines.count == 1 && lines.first?.contains(reason) == true)
    }
}

/// Servers that answer before they have the whole request, over TLS.
@Suite struct EarlyAnswerTests {
    private final class Flag: Sendable { let state = Mutex(false) }

    @Test func `a server that refuses a content and hangs up is heard over TLS`() async throws {
        let certificates = try Certificates()
        defer { certificates.remove(["gateway", "order"]) }
        let server = try TLSContext.server(certificates.of("order"))
        let trust = try TLSContext.client(certificates.of("gateway"))
        let hasAnswered = Flag()
        let source = try Backend { _ throws(Problem) in
            Response(
                .ok,
                body: .stream { writer in
                    try await writer.write("the beginning")
                    try await writer.flush()
                    while !hasAnswered.state.withLock({ $0 }) {
                        try await EventLoop.sleep(for: .milliseconds(2))
                    }
                    for _ in 0..<1024 {
                        try await writer.write([UInt8](repeating: 1, count: 1 << 16))
                    }
                }
            )
        }
        let status = try await onLoop {
            let listener = try Listener.bind(.loopback(port: 0))
            let acceptor = try listener.acceptor()
            let client = HTTPClient()
            let deadline = Deadline.after(.seconds(5))
            let content = try await client.send(
                ClientRequest(.get, "/"),
                to: Endpoint(source.address),
                until: deadline
            ).bodyStream
            async let refused: Void = {
                let stream = try await acceptor.accept()
                try await stream.acceptTLS(server, until: deadline)
                var buffer = ByteBuffer()
                var seen = ""
                while !seen.contains("beginning"),
                    try await stream.read(into: &buffer, until: deadline) > 0
                { seen += String(decoding: buffer.take(buffer.count), as: UTF8.self) }
                let answer = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"
                try await stream.write([UInt8](answer.utf8), until: deadline)
                stream.close()
                hasAnswered.state.withLock { $0 = true }
            }()
            let response = try await client.send(
                ClientRequest(.post, "/", body: .stream(content)),
                to: Endpoint(listener.address, tls: trust, identity: "spiffe://anyway/order"),
                until: deadline
            )
            try await refused
            acceptor.close()
            client.closeIdle()
            return response.status
        }
        await source.stop()
        #expect(status == .contentTooLarge)
    }
}
