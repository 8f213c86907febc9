internal import HTTP
internal import ServiceKit

/// What the gateway alone reads from its environment.
struct GatewaySettings: Sendable {
    /// The routes file; nil for the one that is compiled in.
    let routesFile: String?
    /// Rates that stand in for those of the routes file: for tests and small machines.
    private let userRate: Int?
    private let addressRate: Int?
    private let signInRate: Int?

    init(_ environment: Environment) throws(ConfigurationError) {
        func rate(_ name: String) throws(ConfigurationError) -> Int? {
            guard environment.optional(name) != nil else { return nil }
            return try environment.integer(name, in: 1...1_000_000, default: 1)
        }
        routesFile = environment.optional("ROUTES")
        userRate = try rate("RATE_LIMIT_USER")
        addressRate = try rate("RATE_LIMIT_ADDRESS")
        signInRate = try rate("RATE_LIMIT_SIGN_IN")
    }

    /// Reads the routes and puts the environment's rates in.
    ///
    /// - Throws: a fault with its line, or why the file cannot be read.
    func plan(_ environment: Environment) throws(RoutesFault) -> RoutingPlan {
        var plan = try RoutingPlan(try bytes()) { environment.optional($0) }
        if let userRate { plan.limits[LimitGroup.client]?.user = .perSecond(userRate) }
        for name in plan.limits.keys {
            if let addressRate { plan.limits[name]?.address = .perSecond(addressRate) }
            if let signInRate, plan.limits[name]?.subject == .account {
                plan.limits[name]?.user = TokenBucket.Policy(
                    quota: signInRate,
                    window: .seconds(60)
                )
            }
        }
        return plan
    }

    /// What to call the routes in messages.
    var routesName: String { routesFile ?? "routes.json" }

    private func bytes() throws(RoutesFault) -> [UInt8] {
        guard let routesFile else { return PackageResources.routes_json }
        do {
            return [UInt8](try Environment.contents(of: routesFile).utf8)
        } catch {
            throw RoutesFault(pointer: "", reason: "cannot be read: \(error)")
        }
    }
}

extension TokenBucket.Policy {
    /// So many requests a second, all of which may come at once.
    static func perSecond(_ quota: Int) -> TokenBucket.Policy {
        TokenBucket.Policy(quota: quota, window: .seconds(1))
    }
}
