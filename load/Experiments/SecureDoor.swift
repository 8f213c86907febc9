internal import HTTP
internal import Reactor

/// The gateway as clients reach it over TLS, with the platform's own authority to trust.
struct SecureDoor: Sendable {
    let address: SocketAddress
    private let folder: OwnFolder

    /// Nil where the gateway does not serve clients over TLS.
    init?(_ platform: any Platform) async throws {
        guard let address = try await platform.secureShop() else { return nil }
        self.address = address
        folder = try OwnFolder()
        try folder.write(try await platform.authority(), to: "authority.pem")
    }

    /// What a client without a certificate of its own speaks TLS with; it holds no session yet.
    func context(newest: TLSConfiguration.Version = .tls13) throws -> TLSContext {
        var files = TLSConfiguration(
            certificateFile: nil,
            keyFile: nil,
            caFile: "\(folder.path)/authority.pem",
            requirePeer: false
        )
        files.newest = newest
        return try TLSContext.client(files)
    }

    /// Takes the authority's copy away.
    func close() { folder.remove() }
}
