import Glibc
import HTTP
import Identity
import Mesh
import Reactor
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

    func of(_ name: String) throws -> TLSConfiguration {
        try authority.issue(name, days: 1)
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
}
