import COpenSSL
import Glibc
import Identity
import Testing

@testable import Reactor

/// A certificate authority with its files in a folder, and connections over socket pairs.
final class TLSTestBench {
    let authority: CertificateAuthority
    let folder: String

    init() throws {
        var template = Array("/tmp/anyway-tls-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        authority = try CertificateAuthority.make()
        try SecretFile.write(authority.certificatePEM, to: "\(folder)/ca.pem", mode: 0o644)
    }

    deinit {
        guard let listing = opendir(folder) else { return }
        while let entry = readdir(listing) {
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    _ = unlink("\(folder)/\(String(cString: name))")
                }
            }
        }
        closedir(listing)
        rmdir(folder)
    }

    /// Issues a certificate for `name` and says where its files are.
    func files(
        _ name: String,
        by issuer: CertificateAuthority? = nil,
        requirePeer: Bool = true,
        days: Int = 365
    ) throws -> TLSConfiguration {
        try (issuer ?? authority).issue(name, days: days)
            .write(certificateFile: "\(folder)/\(name).pem", keyFile: "\(folder)/\(name).key")
        return TLSConfiguration(
            certificateFile: "\(folder)/\(name).pem",
            keyFile: "\(folder)/\(name).key",
            caFile: "\(folder)/ca.pem",
            requirePeer: requirePeer
        )
    }
}

extension TLSTestBench {
    /// Has the certificate of `name` end so many seconds from now.
    func shorten(_ name: String, to seconds: Int) throws {
        try SecretFile.write(authority.keyPEM(), to: "\(folder)/ca.key", mode: 0o600)
        let (source, secret) = (fopen("\(folder)/\(name).pem", "r"), fopen("\(folder)/ca.key", "r"))
        let certificate = try #require(PEM_read_X509(source, nil, nil, nil))
        let key = try #require(PEM_read_PrivateKey(secret, nil, nil, nil))
        defer {
            X509_free(certificate)
            EVP_PKEY_free(key)
        }
        fclose(source)
        fclose(secret)
        try #require(X509_gmtime_adj(X509_getm_notAfter(certificate), seconds) != nil)
        try #require(X509_sign(certificate, key, EVP_sha256()) > 0)
        let target = fopen("\(folder)/\(name).pem", "w")
        try #require(PEM_write_X509(target, certificate) == 1)
        fclose(target)
    }
}

/// Two TLS sessions over a pair of non-blocking sockets, driven by hand.
final class TLSPair {
    let server: TLSSession
    let client: TLSSession
    private(set) var descriptors: (client: Int32, server: Int32)

    init(
        _ serverContext: TLSContext,
        _ clientContext: TLSContext,
        serverName: String? = nil,
        expecting: String? = nil
    ) throws {
        var pair: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &pair) == 0)
        descriptors = (pair[0], pair[1])
        client = TLSSession(
            context: clientContext,
            descriptor: pair[0],
            role: .client(serverName: serverName, expecting: expecting)
        )
        server = TLSSession(context: serverContext, descriptor: pair[1], role: .server)
    }

    deinit {
        closeClient()
        closeServer()
    }

    func closeClient() {
        if descriptors.client >= 0 { close(descriptors.client) }
        descriptors.client = -1
    }

    func closeServer() {
        if descriptors.server >= 0 { close(descriptors.server) }
        descriptors.server = -1
    }

    /// Turns both sides until each is done or broken.
    func handshake() -> (client: TLSSession.Step, server: TLSSession.Step) {
        var client = TLSSession.Step.wantRead
        var server = TLSSession.Step.wantRead
        for _ in 0..<20 {
            if client.waits { client = self.client.handshake() }
            if server.waits { server = self.server.handshake() }
            if !client.waits, !server.waits { break }
        }
        return (client, server)
    }

    /// Shakes hands, sends one byte each way (which also delivers tickets), and ends properly.
    func exchange() throws {
        let (client, server) = handshake()
        try #require(client == .done(0))
        try #require(server == .done(0))
        #expect(self.server.send([7]) == .done(1))
        #expect(self.client.receive(10).bytes == [7])
    }
}

extension TLSSession.Step {
    var waits: Bool { self == .wantRead || self == .wantWrite }
    var reason: String? { if case .failed(let reason) = self { reason } else { nil } }
}

extension TLSSession {
    func send(_ bytes: [UInt8]) -> Step { bytes.withUnsafeBytes { write($0) } }

    func receive(_ limit: Int) -> (step: Step, bytes: [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: limit)
        let step = buffer.withUnsafeMutableBytes { read(into: $0) }
        guard case .done(let count) = step else { return (step, []) }
        return (step, Array(buffer.prefix(count)))
    }
}
