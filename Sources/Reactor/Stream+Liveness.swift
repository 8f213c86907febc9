extension Stream {
    /// Whether the peer is known to have finished sending, or the connection to have failed.
    ///
    /// A pool asks this before it uses a kept connection again; false is no promise.
    public var isHungUp: Bool { isClosed || watcher.isHungUp }
}
