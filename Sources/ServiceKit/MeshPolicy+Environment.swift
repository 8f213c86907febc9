public import Mesh

extension MeshPolicy {
    /// The policy with what the environment sets instead: `CALL_TRY_TIME`, `CALL_TIME` and
    /// `BREAKER_OPEN_TIME`, for all upstreams alike.
    ///
    /// - Throws: when a value cannot be used; the message names the variable.
    public func adjusted(
        by environment: Environment
    ) throws(ConfigurationError) -> MeshPolicy {
        var policy = self
        policy.tryTimeout = try environment.duration("CALL_TRY_TIME", default: tryTimeout)
        policy.callTimeout = try environment.duration("CALL_TIME", default: callTimeout)
        policy.breaker.openTime = try environment.duration(
            "BREAKER_OPEN_TIME",
            default: breaker.openTime
        )
        return policy
    }
}
