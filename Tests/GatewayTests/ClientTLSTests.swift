import Foundation
import HTTP
import Identity
import Reactor
import Synchronization
import Testing

/// The listener for clients over TLS, asked by `openssl s_client`.
@Suite struct ClientTLSTests {
    private static let folder = NSTemporaryDirectory() + "anyway-client-tls-\(getpid())-"

    private func serve<Value>(
        mutual: Bool = false,
        _ body: (_ port: UInt16, _ ca: String, _ reasons: () -> [String]) throws -> Value
    ) async throws -> Value {
        let base = Self.folder + UUID().uuidString
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: base) }
        let authority = try CertificateAuthority.make()
        try authority.certificatePEM.write(
            toFile: "\(base)/ca.pem",
            atomically: true,
            encoding: .utf8
        )
        try authority.issue("gateway").write(
            certificateFile: "\(base)/a.pem",
            keyFile: "\(base)/a.key"
        )
        let files = TLSConfiguration(
            certificateFile: "\(base)/a.pem",
            keyFile: "\(base)/a.key",
            caFile: mutual ? "\(base)/ca.pem" : nil,
            requirePeer: mutual
        )
        let listener = try Listener.bind(.loopback(port: 0))
        let reasons = Reasons()
        let server = HTTPServer(
            listener: listener,
            tls: try .server(files),
            refused: { _, error in reasons.all.withLock { $0.append("\(error)") } },
            handler: { request in .text(request.isSecure ? "over TLS" : "plain") }
        )
        let group = try EventLoopGroup(count: 1)
        let running = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let result = Result {
            try body(listener.address.port, "\(base)/ca.pem") { reasons.all.withLock { $0 } }
        }
        running.cancel()
        _ = try? await running.value
        group.shutdown()
        return try result.get()
    }

    private final class Reasons: Sendable { let all = Mutex<[String]>([]) }

    /// What `openssl s_client` says, given some input.
    private func client(_ port: UInt16, _ arguments: [String], _ input: String = "") throws
        -> String
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["timeout", "10", "openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + arguments
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        stdin.fileHandleForWriting.write(Data(input.utf8))
        if !input.contains("keep") { stdin.fileHandleForWriting.closeFile() }
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    private static let request =
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: keep\r\n\r\n"

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `clients are served over TLS, the name they ask for is verified`(version: String)
        async throws
    {
        let text = try await serve { port, ca, _ in
            try client(
                port,
                [
                    version, "-CAfile", ca, "-servername", "localhost", "-verify_hostname",
                    "localhost", "-verify_return_error", "-quiet", "-ign_eof",
                ],
                Self.request
            )
        }
        #expect(text.contains("HTTP/1.1 200 OK") && text.contains("over TLS"), "\(text)")
    }

    @Test(arguments: [
        ["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
        ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
    ])
    func `old versions and weak suites are refused`(arguments: [String]) async throws {
        let text = try await serve { port, _, _ in try client(port, arguments) }
        #expect(
            !text.contains("HTTP/1.1")
                && (text.contains("alert") || text.contains("no protocols")
                    || text.contains("no cipher") || text.contains("error")),
            "\(text)"
        )
        #expect(!text.contains("Cipher is ECDHE"))
    }

    @Test func `TLS 1_2 refuses renegotiation`() async throws {
        let text = try await serve { port, _, _ in try client(port, ["-tls1_2", "-msg"], "R\nkeep")
        }
        #expect(
            text.contains("no_renegotiation") || text.contains("no renegotiation"),
            "\(text.suffix(800))"
        )
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a session is resumed`(version: String) async throws {
        let session = Self.folder + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: session) }
        let (first, second) = try await serve { port, _, _ in
            (
                try client(port, [version, "-sess_out", session, "-ign_eof"], Self.request),
                try client(port, [version, "-sess_in", session, "-ign_eof"], Self.request)
            )
        }
        #expect(first.contains("New, TLS") && second.contains("Reused, TLS"))
    }

    @Test func `a peer without a certificate is refused, and it is said why`() async throws {
        let reasons = try await serve(mutual: true) { port, _, reasons in
            _ = try client(port, ["-tls1_3", "-ign_eof"], Self.request)
            for _ in 0..<100 where reasons().isEmpty { usleep(20_000) }
            return reasons()
        }
        #expect(reasons.contains { $0.contains("certificate") }, "\(reasons)")
    }
}
