/// What a server accepts, in size and time; whatever is beyond is refused with the status given.
public struct HTTPLimits: Sendable {
    /// The longest request target in bytes; beyond: 414.
    public var targetBytes = 8192
    /// The longest header section in bytes; beyond: 431.
    public var headerBytes = 32_768
    /// The most header fields; beyond: 431.
    public var headerCount = 100
    /// The most content bytes of a request; beyond: 413, at once when the length is announced.
    public var bodyBytes = 16 << 20
    /// How long a request head may take from its first byte; beyond: 408.
    public var headerTime = Duration.seconds(10)
    /// How long a connection may be silent between requests before it is closed.
    public var idleTime = Duration.seconds(60)
    /// How long a content may take, not counting the time its bytes need at `minimumRate`; beyond: 408.
    public var bodyTime = Duration.seconds(20)
    /// How long the client may take to accept a write, not counting its bytes at `minimumRate`.
    public var writeTime = Duration.seconds(20)
    /// The slowest peer tolerated, in bytes per second.
    public var minimumRate = 1024
    /// After so many requests the connection is closed.
    public var requestsPerConnection = 1_000_000
    /// The most connections at a time; one more is answered 503 and closed.
    public var connections = 20_000
    /// The most connections at a time from one address, or from one /64 of IPv6; likewise.
    ///
    /// Room for the browsers of an office behind one address, six connections each; where all clients
    /// come through one load balancer it must be raised.
    public var connectionsPerAddress = 256
    /// How long the rest of a refused request is read and thrown away before the connection closes.
    public var lingerTime = Duration.seconds(2)
    /// How long requests in flight may take after the server was told to stop.
    public var drainTime = Duration.seconds(30)

    /// The defaults; set what shall differ.
    public init() {}
}
