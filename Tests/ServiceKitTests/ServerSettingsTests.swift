import Glibc
import HTTP
import Identity
import Reactor
import Telemetry
import Testing

@testable import ServiceKit

@Suite struct ServerSettingsTests {
    @Test func `every limit of a server can be set`() throws {
        let limits = try HTTPLimits(
            Environment([
                "HTTP_MAX_TARGET": "100", "HTTP_MAX_HEADER": "2000", "HTTP_MAX_FIELDS": "20",
                "HTTP_MAX_BODY": "5",
                "HTTP_MAX_CONNECTIONS": "7", "HTTP_MAX_CONNECTIONS_PER_ADDRESS": "3",
                "HTTP_MAX_REQUESTS_PER_CONNECTION": "9",
                "HTTP_MIN_RATE": "77", "HTTP_HEADER_TIME": "1s", "HTTP_BODY_TIME": "2s",
                "HTTP_WRITE_TIME": "3s", "HTTP_IDLE_TIME": "4s",
            ])
        )
        #expect(limits.targetBytes == 100 && limits.headerBytes == 2000 && limits.headerCount == 20)
        #expect(
            limits.bodyBytes == 5 && limits.connections == 7 && limits.connectionsPerAddress == 3
        )
        #expect(limits.requestsPerConnection == 9 && limits.minimumRate == 77)
        #expect(limits.headerTime == .seconds(1) && limits.bodyTime == .seconds(2))
        #expect(limits.writeTime == .seconds(3) && limits.idleTime == .seconds(4))
    }

    @Test func `where a name to listen on is must be known in time`() async throws {
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        await Task(executorPreference: loop) {
            let asked = Deadline.now
            let error = await #expect(throws: ConfigurationError.self) {
                _ = try await ServiceRuntime.listen(("front.test", 0), "LISTEN") {
                    (_, _, deadline) async throws(SocketError) in
                    guard deadline <= asked.advanced(by: .seconds(60)) else { return [] }
                    throw .timedOut
                }
            }
            #expect(
                error?.description
                    == "LISTEN cannot be listened on: no name server said in 10 s where 'front.test' is; "
                    + "for example LISTEN=127.0.0.1:8080"
            )
        }.value
    }

    @Test(arguments: [
        "HTTP_MAX_TARGET", "HTTP_MIN_RATE", "HTTP_MAX_CONNECTIONS", "HTTP_IDLE_TIME",
        "HTTP_HEADER_TIME",
    ])
    func `a limit that cannot be used is refused by its name`(name: String) {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try HTTPLimits(Environment([name: "many"]))
        }
        #expect(error?.variable == name)
    }

    @Test func `without CLIENT_TLS_LISTEN no certificate is asked for, with it one is`() throws {
        let inside = ["TLS_CERT": "a", "TLS_KEY": "b", "TLS_CA": "c"]
        let none = try ServiceSettings(
            Environment(inside),
            service: "gateway",
            transport: .plainOutside
        )
        #expect(none.clientTLS == nil)
        var wanted = inside
        wanted["CLIENT_TLS_LISTEN"] = "127.0.0.1:8443"
        let error = #expect(throws: ConfigurationError.self) {
            _ = try ServiceSettings(
                Environment(wanted),
                service: "gateway",
                transport: .plainOutside
            )
        }
        #expect(error?.variable == "CLIENT_TLS_CERT")
        wanted["CLIENT_TLS_CERT"] = "d"
        wanted["CLIENT_TLS_KEY"] = "e"
        let settings = try ServiceSettings(
            Environment(wanted),
            service: "gateway",
            transport: .plainOutside
        )
        #expect(settings.clientTLS?.listen.port == 8443)
        #expect(settings.clientTLS?.files.requirePeer == false)
        #expect(settings.clientTLS?.files.sitesFolder == nil)
        wanted["CLIENT_TLS_SITES"] = "/certs/sites"
        let sites = try ServiceSettings(
            Environment(wanted),
            service: "gateway",
            transport: .plainOutside
        )
        #expect(sites.clientTLS?.files.sitesFolder == "/certs/sites")
    }

    @Test func `an address has few connections where anybody may connect, else all`() throws {
        func perAddress(_ transport: Transport, _ more: [String: String] = [:]) throws -> Int {
            let inside = ["TLS_CERT": "a", "TLS_KEY": "b", "TLS_CA": "c"].merging(more) { $1 }
            return try ServiceSettings(
                Environment(inside),
                service: "x",
                transport: transport
            ).limits.connectionsPerAddress
        }
        let known = ["HTTP_MAX_CONNECTIONS": "5000"]
        #expect(try perAddress(.plainOutside) == 256)
        #expect(try perAddress(.mutualTLS) == HTTPLimits().connections)
        #expect(try perAddress(.mutualTLS, known) == 5000)
        let set = ["HTTP_MAX_CONNECTIONS_PER_ADDRESS": "9"]
        #expect(try perAddress(.plainOutside, set) == 9)
        #expect(try perAddress(.mutualTLS, set) == 9)
    }

    @Test(arguments: [(nil, 1 << 30), ("1000", 1000)] as [(String?, Int)])
    func `a route may take more than the usual content, unless HTTP_MAX_BODY says otherwise`(
        cap: String?,
        expected: Int
    ) throws {
        let environment = Environment(cap.map { ["HTTP_MAX_BODY": $0] } ?? [:])
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let runtime = try ServiceRuntime(
            name: "gateway",
            settings: ServiceSettings(environment, service: "gateway", transport: .plain),
            environment: environment,
            loops: loops,
            log: .silent
        )
        let usual = runtime.limits.bodyBytes
        runtime.boot.allowContent(upTo: 1)
        #expect(runtime.limits.bodyBytes == usual)
        runtime.boot.allowContent(upTo: 1 << 30)
        #expect(runtime.limits.bodyBytes == expected)
    }

    @Test func `how long each certificate is good for is shown`() throws {
        var template = Array("/tmp/anyway-end-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { for name in ["a.pem", "a.key"] { unlink("\(folder)/\(name)") }; rmdir(folder) }
        let files = TLSConfiguration(
            certificateFile: "\(folder)/a.pem",
            keyFile: "\(folder)/a.key",
            caFile: nil,
            requirePeer: false
        )
        try CertificateAuthority.make().issue("order", days: 2)
            .write(certificateFile: "\(folder)/a.pem", keyFile: "\(folder)/a.key")
        let context = try TLSContext.server(files)
        let end = try #require(context.certificateEnd)
        let metrics = Metrics()
        let watch = CertificateWatch(contexts: [("clients", context)], log: .silent)
        watch.show(in: metrics, now: { end - 100 })
        let name = "tls_certificate_expires_in_seconds"
        #expect(metrics.render().contains("\(name){use=\"clients\"} 100\n"))
        watch.show(in: metrics, now: { end + 7 })
        #expect(metrics.render().contains("\(name){use=\"clients\"} -7\n"))
    }

    @Test func `a new certificate serves new connections and drops no open one`() async throws {
        var template = Array("/tmp/anyway-watch-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            for name in ["a.pem", "a.key", "ca.pem"] { unlink("\(folder)/\(name)") }; rmdir(folder)
        }
        let authority = try CertificateAuthority.make()
        func issue(_ name: String) throws {
            try authority.issue(name).write(
                certificateFile: "\(folder)/a.pem",
                keyFile: "\(folder)/a.key"
            )
        }
        try issue("order")
        try SecretFile.write(authority.certificatePEM, to: "\(folder)/ca.pem", mode: 0o644)
        let files = TLSConfiguration(
            certificateFile: "\(folder)/a.pem",
            keyFile: "\(folder)/a.key",
            caFile: "\(folder)/ca.pem",
            requirePeer: true
        )
        let context = try TLSContext.server(files)
        let clients = try TLSContext.client(files)
        let group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        let server = HTTPServer(
            listener: listener,
            tls: context,
            limits: limits,
            handler: { _ in .text("ok") }
        )
        let running = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let watching = Task(executorPreference: group.loops[0]) {
            await CertificateWatch(
                contexts: [("test", context)],
                log: .silent,
                interval: .milliseconds(20)
            ).run()
        }
        try await Task(executorPreference: group.loops[0]) {
            func open(_ name: String) async throws -> Reactor.Stream {
                try await Reactor.Stream.connect(
                    to: listener.address,
                    tls: clients,
                    expecting: "spiffe://anyway/\(name)",
                    until: .after(.seconds(5))
                )
            }
            func ask(_ stream: Reactor.Stream) async throws -> Bool {
                try await stream.write(
                    [UInt8]("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                    until: .after(.seconds(5))
                )
                var buffer = ByteBuffer()
                return try await stream.read(into: &buffer, until: .after(.seconds(5))) > 0
            }
            let before = try await open("order")
            #expect(try await ask(before))
            try issue("payment")
            var after: Reactor.Stream?
            for _ in 0..<200 where after == nil {
                try await EventLoop.sleep(for: .milliseconds(20))
                after = try? await open("payment")
            }
            let fresh = try #require(after, "the new certificate is never served")
            #expect(try await ask(fresh))
            #expect(try await ask(before))
            fresh.close()
            before.close()
        }.value
        watching.cancel()
        running.cancel()
        _ = try? await running.value
        await watching.value
        group.shutdown()
    }
}
