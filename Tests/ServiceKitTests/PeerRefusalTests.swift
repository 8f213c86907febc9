import Glibc
import HTTP
import Identity
import Reactor
import Telemetry
import Testing

@testable import ServiceKit

/// Peers that are not who they must be, refused by a server, and the line that says why.
@Suite struct PeerRefusalTests {
    /// Certificates in a folder, and log lines in a pipe.
    private final class World {
        let folder: String
        let authority: CertificateAuthority
        let log: Logger
        private let sink: LogSink
        private let ends: (read: Int32, write: Int32)

        init() throws {
            var template = Array("/tmp/anyway-refusal-XXXXXX".utf8CString)
            folder = String(cString: try #require(mkdtemp(&template)))
            authority = try CertificateAuthority.make()
            try SecretFile.write(authority.certificatePEM, to: "\(folder)/ca.pem", mode: 0o644)
            var pair: [Int32] = [-1, -1]
            try #require(pipe(&pair) == 0)
            ends = (pair[0], pair[1])
            sink = LogSink(descriptor: ends.write)
            log = Logger(service: "order", instance: "order.1", sink: sink)
        }

        deinit {
            for name in ["order", "caller"] {
                unlink("\(folder)/\(name).pem")
                unlink("\(folder)/\(name).key")
            }
            unlink("\(folder)/ca.pem")
            rmdir(folder)
            sink.close()
            close(ends.read)
            close(ends.write)
        }

        func files(
            _ file: String,
            of name: String,
            by issuer: CertificateAuthority? = nil,
            days: Int = 1
        ) throws -> TLSConfiguration {
            try (issuer ?? authority).issue(name, days: days)
                .write(certificateFile: "\(folder)/\(file).pem", keyFile: "\(folder)/\(file).key")
            return TLSConfiguration(
                certificateFile: "\(folder)/\(file).pem",
                keyFile: "\(folder)/\(file).key",
                caFile: "\(folder)/ca.pem"
            )
        }

        /// What was logged, once it holds `text` or five seconds have passed.
        func lines(with text: String) async throws -> String {
            _ = fcntl(ends.read, F_SETFL, O_NONBLOCK)
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            for _ in 0..<250 {
                let count = read(ends.read, &chunk, chunk.count)
                if count > 0 { bytes += chunk[..<count] }
                if String(decoding: bytes, as: UTF8.self).contains(text) { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// What a service of the platform answers to a caller with this certificate; nil when nothing.
    private func ask(_ world: World, _ caller: TLSConfiguration) async throws -> Int? {
        let group = try EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        var router = Router()
        router.on(.get, "/reservations", from: "gateway") { _ throws(Problem) in .text("ok") }
        let log = world.log
        let server = HTTPServer(
            listener: listener,
            tls: try .server(world.files("order", of: "order")),
            limits: limits,
            refused: { ServiceRuntime.note($0, $1, log) },
            handler: RequestContext(log: log).wrap(router.handler)
        )
        let client = try TLSContext.client(caller)
        let running = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let status = await Task(executorPreference: group.loops[0]) { () -> Int? in
            let endpoint = Endpoint(
                listener.address,
                tls: client,
                identity: "spiffe://anyway/order"
            )
            return try? await HTTPClient().send(
                ClientRequest(.get, "/reservations"),
                to: endpoint,
                until: .after(.seconds(5))
            ).status.code
        }.value
        running.cancel()
        _ = try? await running.value
        return status
    }

    @Test func `a caller with a good certificate is served, and no line tells of it`() async throws
    {
        let world = try World()
        #expect(try await ask(world, world.files("caller", of: "gateway")) == 200)
        world.log.info("end")
        #expect(try await !world.lines(with: "\"end\"").contains("refused"))
    }

    @Test func `an expired caller is refused, and the log says why`() async throws {
        let world = try World()
        #expect(try await ask(world, world.files("caller", of: "gateway", days: -1)) == nil)
        let line = try await world.lines(with: "TLS peer refused")
        #expect(line.contains("certificate has expired"), "\(line)")
        #expect(line.contains(#""remote":"127.0.0.1""#))
    }

    @Test func `a caller of a foreign authority is refused, and the log says why`() async throws {
        let world = try World()
        let caller = try world.files("caller", of: "gateway", by: CertificateAuthority.make())
        #expect(try await ask(world, caller) == nil)
        let line = try await world.lines(with: "TLS peer refused")
        #expect(line.contains("the peer's certificate: "), "\(line)")
    }

    @Test func `a caller without a certificate is refused, and the log says why`() async throws {
        let world = try World()
        var caller = try world.files("caller", of: "gateway")
        (caller.certificateFile, caller.keyFile, caller.requirePeer) = (nil, nil, false)
        #expect(try await ask(world, caller) == nil)
        let line = try await world.lines(with: "TLS peer refused")
        #expect(line.contains("did not return a certificate"), "\(line)")
    }

    @Test func `a caller with another identity is refused by the route, and the log says why`()
        async throws
    {
        let world = try World()
        #expect(try await ask(world, world.files("caller", of: "notification")) == 403)
        let line = try await world.lines(with: "request refused")
        #expect(
            line.contains("spiffe://anyway/notification is not among the callers of /reservations"),
            "\(line)"
        )
    }
}
