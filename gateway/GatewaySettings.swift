internal import ServiceKit

/// What the gateway alone reads from its environment: the limits, whose defaults are the design's.
struct GatewaySettings: Sendable {
    /// Requests a second for each user.
    var userRate = 1000
    /// Requests a second for each address without a user.
    var addressRate = 100
    /// Attempts a minute to sign in to one account from one address.
    var signInRate = 5

    init() {}

    init(_ environment: Environment) throws(ConfigurationError) {
        userRate = try environment.integer("RATE_LIMIT_USER", in: 1...1_000_000, default: userRate)
        addressRate = try environment.integer(
            "RATE_LIMIT_ADDRESS",
            in: 1...1_000_000,
            default: addressRate
        )
        signInRate = try environment.integer(
            "RATE_LIMIT_SIGN_IN",
            in: 1...1_000_000,
            default: signInRate
        )
    }
}
