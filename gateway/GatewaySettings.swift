internal import HTTP
internal import Mesh
internal import ServiceKit

/// What the gateway alone reads from its environment.
struct GatewaySettings: Sendable {
    /// The routes file; nil for the one that is compiled in.
    let routesFile: String?
    /// All gateways, this one among them; nil for this one alone.
    let gateways: Endpoints?
    /// Whose word on where requests come from is believed; nil for nobody's.
    let trustedProxies: TrustedProxies?
    /// How load is shed.
    let shedding: ConcurrencyLimit.Policy
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
        gateways = try Self.gateways(environment)
        trustedProxies = try Self.trustedProxies(environment)
        shedding = try Self.shedding(environment)
        userRate = try rate("RATE_LIMIT_USER")
        addressRate = try rate("RATE_LIMIT_ADDRESS")
        signInRate = try rate("RATE_LIMIT_SIGN_IN")
    }

    private static func gateways(
        _ environment: Environment
    ) throws(ConfigurationError) -> Endpoints? {
        guard let text = environment.optional("GATEWAYS") else { return nil }
        do throws(Endpoints.Invalid) {
            return try Endpoints(text)
        } catch {
            throw ConfigurationError(
                "GATEWAYS",
                "is '\(text)': \(error)",
                example: "gateway:8080"
            )
        }
    }

    private static func trustedProxies(
        _ environment: Environment
    ) throws(ConfigurationError) -> TrustedProxies? {
        guard let text = environment.optional("TRUSTED_PROXIES") else { return nil }
        guard let proxies = TrustedProxies(text) else {
            throw ConfigurationError(
                "TRUSTED_PROXIES",
                "is '\(text)', not a list of addresses and ranges",
                example: "10.0.0.0/8,fd00::/8"
            )
        }
        return proxies
    }

    private static func shedding(
        _ environment: Environment
    ) throws(ConfigurationError) -> ConcurrencyLimit.Policy {
        var policy = ConcurrencyLimit.Policy()
        policy.slack = try environment.duration("SHED_SLACK", default: policy.slack)
        let most = try environment.integer("SHED_MAX_IN_FLIGHT", in: 4...100_000, default: 1000)
        policy.range = policy.range.lowerBound...Double(most)
        policy.initial = min(policy.initial, Double(most))
        return policy
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
