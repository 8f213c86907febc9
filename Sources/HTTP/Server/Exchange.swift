public import Reactor

/// One request and its answer, as the server tells whoever observes it.
public struct Exchange: Sendable {
    /// The request; nil when it could not be read.
    public let request: RequestHead?
    /// The status that was answered.
    public let status: Status
    /// The template of the route that answered; nil when none did.
    public let route: String?
    /// From the complete head to the complete answer.
    public var duration: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
    /// The same in nanoseconds.
    public let nanoseconds: UInt64
    /// How many content bytes were answered.
    public let contentBytes: Int
    /// Where the connection comes from.
    public let remote: SocketAddress
    /// The SPIFFE URI in the caller's verified certificate.
    public let peerIdentity: String?
}
