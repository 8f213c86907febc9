internal import HTTP

extension HTTPLimits {
    /// The limits of a server as its environment sets them; the defaults are `HTTPLimits`' own.
    ///
    /// - Parameter facingClients: whether anybody may connect; who proves an identity by certificate may
    ///   have all connections, because one address may be a whole gateway.
    /// - Throws: when a value cannot be used; the message names the variable.
    init(_ environment: Environment, facingClients: Bool = true) throws(ConfigurationError) {
        self.init()
        func whole(
            _ name: String,
            _ range: ClosedRange<Int>,
            _ value: inout Int
        ) throws(ConfigurationError) {
            value = try environment.integer(name, in: range, default: value)
        }
        func time(_ name: String, _ value: inout Duration) throws(ConfigurationError) {
            value = try environment.duration(name, default: value)
        }
        try whole("HTTP_MAX_TARGET", 64...65_536, &targetBytes)
        try whole("HTTP_MAX_HEADER", 1024...1_048_576, &headerBytes)
        try whole("HTTP_MAX_FIELDS", 10...10_000, &headerCount)
        try whole("HTTP_MAX_BODY", 0...(1 << 40), &bodyBytes)
        try whole("HTTP_MAX_CONNECTIONS", 1...1_000_000, &connections)
        if !facingClients { connectionsPerAddress = connections }
        try whole("HTTP_MAX_CONNECTIONS_PER_ADDRESS", 1...1_000_000, &connectionsPerAddress)
        try whole("HTTP_MAX_REQUESTS_PER_CONNECTION", 1...1_000_000_000, &requestsPerConnection)
        try whole("HTTP_MIN_RATE", 1...1_000_000_000, &minimumRate)
        try time("HTTP_HEADER_TIME", &headerTime)
        try time("HTTP_BODY_TIME", &bodyTime)
        try time("HTTP_WRITE_TIME", &writeTime)
        try time("HTTP_IDLE_TIME", &idleTime)
    }
}
