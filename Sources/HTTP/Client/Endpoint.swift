public import Reactor

/// Where a client connects, and how it knows that it is right there.
public struct Endpoint: Sendable, Hashable {
    /// The address.
    public var address: SocketAddress
    /// The certificates to speak TLS with; nil for plain HTTP.
    public var tls: TLSContext?
    /// The name that the server's certificate must carry, and the default `Host`.
    public var serverName: String?
    /// The SPIFFE URI that the server's certificate must carry; then its names do not matter.
    public var identity: String?

    /// Names a place to connect to.
    public init(
        _ address: SocketAddress,
        tls: TLSContext? = nil,
        serverName: String? = nil,
        identity: String? = nil
    ) {
        self.address = address
        self.tls = tls
        self.serverName = serverName
        self.identity = identity
    }

    /// Whether connections to the one can serve the other.
    public static func == (left: Endpoint, right: Endpoint) -> Bool {
        left.address == right.address && left.tls === right.tls
            && left.serverName == right.serverName && left.identity == right.identity
    }

    /// Hashes the address: the rest seldom differs.
    public func hash(into hasher: inout Hasher) { hasher.combine(address) }
}
