import Glibc
import Identity
import Testing

@testable import Reactor

/// A server with several certificates: each client gets the one for the name it asks for.
@Suite struct SiteTests {
    let bench: TLSTestBench
    let client: TLSContext

    init() throws {
        bench = try TLSTestBench()
        var trust = try bench.files("client", requirePeer: false)
        (trust.certificateFile, trust.keyFile) = (nil, nil)
        client = try .client(trust)
    }

    /// The server's own certificate is for localhost; the sites have certificates for their names alone.
    private func files(_ sites: [String]) throws -> TLSConfiguration {
        let folder = "\(bench.folder)/sites"
        mkdir(folder, 0o700)
        for site in sites { try issue(site) }
        var files = try bench.files("gateway", requirePeer: false)
        files.sitesFolder = folder
        return files
    }

    private func issue(_ site: String, days: Int = 365) throws {
        let folder = "\(bench.folder)/sites"
        try bench.authority.issue(site, days: days).write(
            certificateFile: "\(folder)/\(site).pem",
            keyFile: "\(folder)/\(site).key"
        )
    }

    private func removeSites() {
        let folder = "\(bench.folder)/sites"
        for site in ["shop.example", "api.example", "late.example"] {
            unlink("\(folder)/\(site).pem")
            unlink("\(folder)/\(site).key")
        }
        rmdir(folder)
    }

    /// Whose certificate a client that asks for `name` is shown and believes; nil when it doesn't.
    private func shown(_ server: TLSContext, _ name: String?) throws -> String? {
        let pair = try TLSPair(server, client, serverName: name)
        return pair.handshake().client == .done(0) ? pair.client.peerIdentity : nil
    }

    @Test func `each name gets its certificate, an unknown one and none the server's own`() throws {
        defer { removeSites() }
        let server = try TLSContext.server(files(["shop.example", "api.example"]))
        #expect(try shown(server, "shop.example") == "spiffe://anyway/shop.example")
        #expect(try shown(server, "api.example") == "spiffe://anyway/api.example")
        #expect(try shown(server, "API.Example") == "spiffe://anyway/api.example")
        // All are for localhost; the server's own comes first.
        #expect(try shown(server, "localhost") == "spiffe://anyway/gateway")
        #expect(try shown(server, nil) == "spiffe://anyway/gateway")
        #expect(try shown(server, "other.example") == nil, "and no client believes it")
    }

    @Test func `a site's session is resumed under its name and under no other`() throws {
        defer { removeSites() }
        let server = try TLSContext.server(files(["shop.example", "api.example"]))
        func resumed(_ name: String) throws -> Bool {
            let pair = try TLSPair(server, client, serverName: name)
            try pair.exchange()
            return pair.client.isResumed
        }
        #expect(try !resumed("shop.example"))
        #expect(try resumed("shop.example"))
        #expect(try !resumed("api.example"))
    }

    @Test func `a site that is added, changed or taken away takes effect by itself`() throws {
        defer { removeSites() }
        let server = try TLSContext.server(files(["shop.example"]))
        #expect(try !server.reloadIfChanged())
        #expect(try shown(server, "late.example") == nil)
        try issue("late.example")
        #expect(try server.reloadIfChanged())
        #expect(try shown(server, "late.example") == "spiffe://anyway/late.example")
        unlink("\(bench.folder)/sites/late.example.pem")
        #expect(try server.reloadIfChanged())
        #expect(try shown(server, "late.example") == nil)
        #expect(try !server.reloadIfChanged())
    }

    @Test func `the site whose certificate ends first is the end that is told`() throws {
        defer { removeSites() }
        let server = try TLSContext.server(files(["shop.example"]))
        let end = try #require(server.certificateEnd)
        try issue("late.example", days: 3)
        #expect(try server.reloadIfChanged())
        #expect(try #require(server.certificateEnd) < end - 300 * 86_400)
    }

    @Test func `a connection keeps its site when the files change under it`() throws {
        defer { removeSites() }
        let server = try TLSContext.server(files(["shop.example"]))
        let pair = try TLSPair(server, client, serverName: "shop.example")
        try issue("shop.example")
        #expect(try server.reloadIfChanged())
        try pair.exchange()
        #expect(pair.client.peerIdentity == "spiffe://anyway/shop.example")
    }

    @Test func `a folder that cannot be served is named, and the old one stays in use`() throws {
        defer { removeSites() }
        let missing = "\(bench.folder)/sites/shop.example.key"
        let files = try files(["shop.example"])
        let server = try TLSContext.server(files)
        unlink(missing)
        let expected = TLSError.file(path: missing, reason: "is not there beside shop.example.pem")
        #expect(throws: expected) { try server.reloadIfChanged() }
        #expect(throws: expected) { try TLSContext.server(files) }
        #expect(try shown(server, "shop.example") == "spiffe://anyway/shop.example")
        unlink("\(bench.folder)/sites/shop.example.pem")
        let empty = #expect(throws: TLSError.self) { try TLSContext.server(files) }
        #expect(empty?.description.contains("holds no NAME.pem") == true)
        rmdir("\(bench.folder)/sites")
        let none = #expect(throws: TLSError.self) { try TLSContext.server(files) }
        #expect(none?.description.hasSuffix("sites: No such file or directory") == true)
    }
}
