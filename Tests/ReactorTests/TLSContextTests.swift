import Glibc
import Identity
import Testing

@testable import Reactor

@Suite struct TLSContextTests {
    let bench: TLSTestBench

    init() throws { bench = try TLSTestBench() }

    @Test func `a second connection resumes the first, with the same identities`() throws {
        let server = try TLSContext.server(bench.files("order"))
        let client = try TLSContext.client(bench.files("gateway"))
        let expecting = "spiffe://anyway/order"
        for round in 0..<4 {
            let pair = try TLSPair(server, client, serverName: "order", expecting: expecting)
            try pair.exchange()
            #expect(pair.client.isResumed == (round > 0))
            #expect(pair.server.isResumed == (round > 0))
            #expect(pair.client.peerIdentity == expecting)
            #expect(pair.server.peerIdentity == "spiffe://anyway/gateway")
        }
    }

    @Test(arguments: ["order", "gateway"])
    func `a session is not resumed beyond the end of the peer's certificate`(_ short: String)
        async throws
    {
        let (order, gateway) = (try bench.files("order"), try bench.files("gateway"))
        try bench.shorten(short, to: 3)
        let (server, client) = (try TLSContext.server(order), try TLSContext.client(gateway))
        for _ in 0..<2 { try TLSPair(server, client, serverName: "order").exchange() }
        try await Task.sleep(for: .seconds(4))
        let pair = try TLSPair(server, client, serverName: "order")
        let steps = pair.handshake()
        #expect(pair.client.isResumed && pair.server.isResumed)
        let (judging, judge) =
            short == "order" ? (steps.client, pair.client) : (steps.server, pair.server)
        #expect(judging.reason == "the peer's certificate: certificate has expired")
        #expect(judge.peerIdentity == nil)
    }

    @Test func `a session is not resumed under another name or expectation`() throws {
        let server = try TLSContext.server(bench.files("order"))
        let client = try TLSContext.client(bench.files("gateway"))
        try TLSPair(server, client, serverName: "order").exchange()
        let wrong = try TLSPair(server, client, serverName: "payment")
        #expect(wrong.handshake().client.reason != nil)
        let other = try TLSPair(
            server,
            client,
            serverName: "order",
            expecting: "spiffe://anyway/payment"
        )
        #expect(other.handshake().client.reason != nil)
    }

    @Test func `an older client is served its version, but not where both must prove who they are`()
        throws
    {
        var old = try bench.files("gateway", requirePeer: false)
        old.newest = .tls12
        let open = try TLSContext.server(bench.files("order", requirePeer: false))
        let pair = try TLSPair(open, TLSContext.client(old), serverName: "order")
        try pair.exchange()
        #expect(pair.client.version == "TLSv1.2" && pair.server.version == "TLSv1.2")
        let modern = try bench.files("gateway", requirePeer: false)
        let other = try TLSPair(open, TLSContext.client(modern), serverName: "order")
        try other.exchange()
        #expect(other.client.version == "TLSv1.3")
        let mutual = try TLSContext.server(bench.files("order"))
        let refused = try TLSPair(mutual, TLSContext.client(old), serverName: "order")
        #expect(refused.handshake().client.reason != nil)
    }

    @Test func `new files take effect at a reload, for new connections`() throws {
        let server = try TLSContext.server(bench.files("order"))
        let client = try TLSContext.client(bench.files("gateway"))
        let before = try TLSPair(server, client, serverName: "localhost")
        try before.exchange()

        let renamed = try bench.authority.issue("payment")
        try renamed.write(
            certificateFile: "\(bench.folder)/order.pem",
            keyFile: "\(bench.folder)/order.key"
        )
        try server.reload()
        let after = try TLSPair(server, client, serverName: "localhost")
        try after.exchange()
        #expect(after.client.peerIdentity == "spiffe://anyway/payment")
        #expect(!after.client.isResumed)
        #expect(before.client.send([1]) == .done(1))
        #expect(before.server.receive(1).bytes == [1])
    }

    @Test func `a reload forgets sessions that the old trust allowed`() throws {
        let server = try TLSContext.server(bench.files("order"))
        let client = try TLSContext.client(bench.files("gateway"))
        try TLSPair(server, client, serverName: "localhost").exchange()
        let stranger = try CertificateAuthority.make()
        try SecretFile.write(stranger.certificatePEM, to: "\(bench.folder)/ca.pem", mode: 0o644)
        try client.reload()
        #expect(
            try TLSPair(server, client, serverName: "localhost").handshake().client.reason != nil
        )
    }

    @Test func `files are read again only when they changed`() throws {
        let server = try TLSContext.server(bench.files("order"))
        #expect(try !server.reloadIfChanged())
        _ = try bench.files("order")
        #expect(try server.reloadIfChanged())
        #expect(try !server.reloadIfChanged())
    }

    @Test func `a reload that fails leaves the old certificate in use`() throws {
        let server = try TLSContext.server(bench.files("order"))
        let client = try TLSContext.client(bench.files("gateway"))
        try SecretFile.write("rubbish", to: "\(bench.folder)/order.pem")
        #expect(throws: TLSError.self) { try server.reload() }
        #expect(throws: TLSError.self) { try server.reloadIfChanged() }
        try TLSPair(server, client, serverName: "localhost").exchange()
    }

    @Test func `the end of the certificate in use is told, also after a reload`() throws {
        let server = try TLSContext.server(bench.files("order", days: 300))
        #expect(Self.daysLeft(server) == 300)
        _ = try bench.files("order", days: 20)
        #expect(Self.daysLeft(server) == 300, "it is not in use yet")
        #expect(try server.reloadIfChanged())
        #expect(Self.daysLeft(server) == 20)
    }

    @Test func `a chain ends with its first certificate to end, no certificate never`() throws {
        var files = try bench.files("order", days: 300)
        let own = try #require(files.certificateFile)
        let chain = try bench.authority.issue("between", days: 10).certificatePEM
        let pem = try bench.authority.issue("order", days: 300)
        try SecretFile.write(pem.certificatePEM + chain, to: own, mode: 0o644)
        try SecretFile.write(pem.keyPEM, to: try #require(files.keyFile))
        #expect(Self.daysLeft(try TLSContext.server(files)) == 10)
        files.requirePeer = false
        (files.certificateFile, files.keyFile) = (nil, nil)
        #expect(try TLSContext.client(files).certificateEnd == nil)
    }

    /// In whole days, rounded: making a certificate takes a moment.
    private static func daysLeft(_ context: TLSContext) -> Int64? {
        context.certificateEnd.map { ($0 - Int64(time(nil)) + 43_200) / 86_400 }
    }

    @Test func `a missing file is named`() throws {
        var files = try bench.files("order")
        files.certificateFile = "/nowhere/order.pem"
        let error = #expect(throws: TLSError.self) { try TLSContext.server(files) }
        guard case .file("/nowhere/order.pem", let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("No such file"))
    }

    @Test func `another certificate's key is refused`() throws {
        var files = try bench.files("order")
        files.keyFile = try bench.files("payment").keyFile
        let expected = TLSError.keyMismatch(
            certificate: "\(bench.folder)/order.pem",
            key: "\(bench.folder)/payment.key"
        )
        #expect(throws: expected) { try TLSContext.server(files) }
    }

    @Test func `what a role needs is asked for`() throws {
        let none = TLSConfiguration(
            certificateFile: nil,
            keyFile: nil,
            caFile: "\(bench.folder)/ca.pem"
        )
        let identity = TLSError.missing("a certificate and its private key")
        #expect(throws: identity) { try TLSContext.server(none) }
        #expect(throws: identity) { try TLSContext.client(none) }
        var files = try bench.files("order")
        files.caFile = nil
        #expect(throws: TLSError.missing("a CA file")) { try TLSContext.server(files) }
        #expect(throws: TLSError.missing("a CA file")) { try TLSContext.client(files) }
    }

    @Test func `an encrypted key is an error and not a question`() throws {
        // OpenSSL would ask the terminal; a service has nobody there to answer.
        let files = try bench.files("order")
        try SecretFile.write(Self.encrypted, to: "\(bench.folder)/order.key")
        let error = #expect(throws: TLSError.self) { try TLSContext.server(files) }
        guard case .file("\(bench.folder)/order.key", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x`.
    private static let encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhngs8pHDfwKwICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG8vcXy1JpxfMOTcgFFDaJAEgZDb
        tKAUPPyHr7W4Y+XR8XDZJCF6j6cM7Sorpn8gml3mrWVIz5ASkV0wA6JhTJrOJ/DS
        OkQ8WuJ1wBS5BDT8L/AGvIrUb2NG3shKsWAUZ3n8rsdHSRVDM3fwq7sRxTgzv1rX
        lw8DOFMoyUtUkUIbkSNy/YTbFJlzpPyL3JZMSiW/7UAWzpH5ilGtw8uIH2clR6M=
        -----END ENCRYPTED PRIVATE KEY-----
        """
}
