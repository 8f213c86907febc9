import Glibc
import Identity
import Testing

@testable import Reactor

@Suite struct TLSSessionTests {
    let bench: TLSTestBench
    let server: TLSContext
    let client: TLSContext

    init() throws {
        bench = try TLSTestBench()
        server = try .server(bench.files("order"))
        client = try .client(bench.files("gateway"))
    }

    @Test func `both sides of mutual TLS learn who the other is`() throws {
        let pair = try TLSPair(server, client, serverName: "localhost")
        #expect(pair.client.peerIdentity == nil)
        try pair.exchange()
        #expect(pair.client.peerIdentity == "spiffe://anyway/order")
        #expect(pair.server.peerIdentity == "spiffe://anyway/gateway")
    }

    @Test(arguments: ["localhost", "order", "127.0.0.1"])
    func `a server is believed under the names in its certificate`(name: String) throws {
        #expect(try TLSPair(server, client, serverName: name).handshake().client == .done(0))
    }

    @Test(arguments: ["payment", "127.0.0.2", "::1", "order.example"])
    func `a server is refused under any other name`(name: String) throws {
        let (client, server) = try TLSPair(server, client, serverName: name).handshake()
        let reason = try #require(client.reason)
        #expect(reason.hasPrefix("the peer's certificate: "))
        #expect(reason.hasSuffix("mismatch"))
        #expect(server.reason != nil)
    }

    @Test func `an expected identity takes the place of the name`() throws {
        let pair = try TLSPair(
            server,
            client,
            serverName: "10.0.0.7",
            expecting: "spiffe://anyway/order"
        )
        try pair.exchange()
    }

    @Test func `another identity than the expected one is refused and not told`() throws {
        let pair = try TLSPair(
            server,
            client,
            serverName: "order",
            expecting: "spiffe://anyway/payment"
        )
        let reason = try #require(pair.handshake().client.reason)
        #expect(reason == "the peer is spiffe://anyway/order, not spiffe://anyway/payment")
        #expect(pair.client.peerIdentity == nil)
        #expect(pair.client.send([1]).reason == reason)
        #expect(pair.client.receive(1).step.reason == reason)
    }

    @Test func `a client without a certificate is refused`() throws {
        var files = try bench.files("browser", requirePeer: false)
        files.certificateFile = nil
        files.keyFile = nil
        let pair = try TLSPair(server, .client(files), serverName: "localhost")
        let (client, server) = pair.handshake()
        #expect(server == .failed("peer did not return a certificate"))
        // In TLS 1.3 a client is done before it is judged; it learns when it reads.
        #expect(client == .done(0))
        #expect(pair.client.receive(1).step == .failed("tlsv13 alert certificate required"))
        #expect(pair.server.peerIdentity == nil)
    }

    @Test func `a certificate of another authority is refused on either side`() throws {
        let stranger = try CertificateAuthority.make()
        let fake = try bench.files("fake", by: stranger)
        let asClient = try TLSPair(server, .client(fake), serverName: "localhost")
        let judged = asClient.handshake()
        #expect(try #require(judged.server.reason).hasPrefix("the peer's certificate: "))
        #expect(asClient.server.peerIdentity == nil)
        let asServer = try TLSPair(.server(fake), client, serverName: "localhost").handshake()
        #expect(try #require(asServer.client.reason).hasPrefix("the peer's certificate: "))
    }

    @Test func `an expired certificate is refused`() throws {
        let old = try bench.files("old", days: -1)
        let (client, _) = try TLSPair(.server(old), client, serverName: "localhost").handshake()
        #expect(client == .failed("the peer's certificate: certificate has expired"))
    }

    @Test func `a public server asks for no certificate and is still verified`() throws {
        let files = try bench.files("gateway2", requirePeer: false)
        var trust = files
        trust.certificateFile = nil
        trust.keyFile = nil
        let pair = try TLSPair(.server(files), .client(trust), serverName: "localhost")
        try pair.exchange()
        #expect(pair.server.peerIdentity == nil)
        #expect(pair.client.peerIdentity == "spiffe://anyway/gateway2")
        let wrong = try TLSPair(.server(files), .client(trust), serverName: "shop.example")
        #expect(wrong.handshake().client.reason != nil)
    }

    @Test func `bytes go both ways, in order, through a full socket`() throws {
        let pair = try TLSPair(server, client, serverName: "localhost")
        try pair.exchange()
        let message = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var sent = 0
        var received: [UInt8] = []
        var waits = 0
        while received.count < message.count {
            while sent < message.count {
                // A fresh copy each time: the buffer may move between tries.
                let step = pair.client.send(Array(message[sent...].prefix(100_000)))
                guard case .done(let count) = step else {
                    try #require(step == .wantWrite)
                    waits += 1
                    break
                }
                sent += count
            }
            while true {
                let (step, bytes) = pair.server.receive(16_000)
                guard case .done = step else {
                    try #require(step == .wantRead)
                    break
                }
                received += bytes
            }
        }
        #expect(received == message)
        #expect(waits > 0)
    }

    @Test func `a read smaller than a record leaves the rest for the next`() throws {
        let pair = try TLSPair(server, client, serverName: "localhost")
        try pair.exchange()
        #expect(pair.client.send([1, 2, 3]) == .done(3))
        #expect(pair.server.receive(2).bytes == [1, 2])
        #expect(pair.server.receive(2).bytes == [3])
        #expect(pair.server.receive(2).step == .wantRead)
        #expect(pair.server.receive(0).step == .done(0))
        #expect(pair.server.send([]) == .done(0))
    }

    @Test func `a proper end is told from a cut`() throws {
        let proper = try TLSPair(server, client, serverName: "localhost")
        try proper.exchange()
        proper.client.shutdown()
        proper.closeClient()
        #expect(proper.server.receive(1).step == .closed)
        #expect(proper.server.receive(1).step == .closed)

        let cut = try TLSPair(server, client, serverName: "localhost")
        try cut.exchange()
        cut.closeClient()
        #expect(cut.server.receive(1).step == .failed("ended without close_notify"))
    }

    @Test func `writing to a peer that is gone fails and does not end the process`() throws {
        let pair = try TLSPair(server, client, serverName: "localhost")
        try pair.exchange()
        pair.closeServer()
        #expect(pair.client.send([1]).reason == "Broken pipe")
        #expect(pair.client.send([1]).reason == "Broken pipe")
        pair.client.shutdown()
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}AAAAA", "\u{0}"])
    func `what is no TLS is refused with a reason`(text: String) throws {
        let pair = try TLSPair(server, client)
        let bytes = Array(text.utf8)
        #expect(write(pair.descriptors.client, bytes, bytes.count) == bytes.count)
        var step = pair.server.handshake()
        if step == .wantRead {
            pair.closeClient()
            step = pair.server.handshake()
        }
        #expect(step.reason != nil)
    }

    @Test func `one session's failure is not blamed on the next`() throws {
        let bad = try TLSPair(server, client, serverName: "elsewhere")
        #expect(bad.handshake().client.reason != nil)
        try TLSPair(server, client, serverName: "localhost").exchange()
    }
}
