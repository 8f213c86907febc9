public import Mesh

extension MeshPolicy {
    /// For the upstream that a feed is read from.
    ///
    /// Its only caller is a consumer, which asks again by itself: retries and an open breaker would
    /// only keep it from noticing that the producer is back.
    public static var feed: MeshPolicy {
        var policy = MeshPolicy()
        policy.retries = 0
        policy.breaker.openTime = .seconds(1)
        policy.breaker.successesToClose = 1
        return policy
    }
}
