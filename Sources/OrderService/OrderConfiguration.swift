internal import ServiceKit

/// What the order service reads from its environment, besides what every service does.
struct OrderConfiguration: Sendable {
    /// Orders that have not reached their pivot by then are given up.
    let checkoutDeadline: Duration

    init(_ environment: Environment) throws(ConfigurationError) {
        checkoutDeadline = try environment.duration("CHECKOUT_DEADLINE", default: .seconds(30))
    }
}
