internal import HTTP
internal import Mesh
internal import Reactor
internal import ServiceKit
internal import Telemetry

/// The gateway's process: what clients talk to, and the only one that believes tokens.
@main
enum FrontDoor {
    static func main() {
        Service.run("gateway", transport: .plainOutside) { boot in
            let settings = try GatewaySettings(boot.environment)
            let policy = try MeshPolicy().adjusted(by: boot.environment).without(boot.ablation)
            let services = ServiceUpstreams(boot, policy)
            let tokens = TokenGate(log: boot.log, metrics: boot.metrics)
            let gateways = settings.liveGateways(boot)
            let table = RouteTable(
                tokens: tokens,
                metrics: boot.metrics,
                gateways: gateways,
                shedding: settings.shedding,
                follow: { [services] in services.follower($0, $1) }
            ) { [services] name, origin in
                services.upstream(name, origin)
            }
            let plan = try firstPlan(settings, boot)
            boot.allowContent(upTo: plan.routes.map(\.contentLimit).max() ?? 0)
            table.take(plan)
            boot.onReload { reload(table, settings, boot) }
            boot.background("upstreams") { await table.run() }
            boot.background("signing keys") { await tokens.run() }
            boot.background("ended sessions") { await tokens.sessions.run() }
            boot.background("gateways") { await gateways.run() }
            let purges = PurgeFeed(table: table, log: boot.log)
            boot.background("purges") { await purges.run() }
            boot.adminRoutes { CacheRoutes(table: table).add(to: &$0) }
            let accessLog = AccessLog(boot.log)
            if let proxies = settings.trustedProxies { boot.observing { proxies.wrap($0) } }
            boot.observing(layer: { accessLog.wrap($0) })
            boot.middleware(layer: { table.wrap($0) })
            let gate = OpsGate(tokens: tokens, table: table, metrics: boot.metrics)
            let traces = OpsTraces(boot: boot, table: table, gate: gate)
            let spreader = TraceSpreader(found: boot.found) { table.mutualUpstreams }
            boot.background("traces") { await spreader.run() }
            let view = GatewayView(name: boot.instance, table: table, gateways: gateways)
            boot.adminRoutes { view.addAdmin(to: &$0) }
            boot.routes { router in
                Welcome().add(to: &router)
                traces.add(to: &router)
                view.addOperations(to: &router, gate)
            }
        }
    }

    private static func firstPlan(
        _ settings: GatewaySettings,
        _ boot: Boot
    ) throws(ConfigurationError) -> RoutingPlan {
        do throws(RoutesFault) {
            return try plan(settings, boot)
        } catch {
            throw ConfigurationError(
                "ROUTES",
                "(\(settings.routesName)) \(error)",
                example: "/etc/anyway/routes.json"
            )
        }
    }

    /// The routes file as it is now, if this process can do what it says.
    private static func plan(
        _ settings: GatewaySettings,
        _ boot: Boot
    ) throws(RoutesFault) -> RoutingPlan {
        let plan = try settings.plan(boot.environment)
        if boot.clientTLS == nil,
            let upstream = plan.upstreams.first(where: { $0.value.transport == .mutual })
        {
            throw RoutesFault(
                pointer: "/upstreams/\(upstream.key)/tls",
                reason: "is 'mutual', which needs TLS_CERT, TLS_KEY and TLS_CA"
            )
        }
        return plan
    }

    /// A file that cannot be used leaves the routes in force as they are.
    private static func reload(_ table: RouteTable, _ settings: GatewaySettings, _ boot: Boot) {
        let name = LogValue.string(settings.routesName)
        do throws(RoutesFault) {
            table.take(try plan(settings, boot))
            boot.log.info("routes read again", ["file": name])
        } catch {
            boot.log.error(
                "routes cannot be used, the old ones stay in force",
                ["file": name, "reason": .string("\(error)")]
            )
        }
    }
}

extension GatewaySettings {
    /// The gateways that share the limits.
    fileprivate func liveGateways(_ boot: Boot) -> LiveGateways {
        guard let gateways else { return LiveGateways() }
        return LiveGateways(
            gateways,
            client: boot.client,
            log: boot.log,
            metrics: boot.metrics
        )
    }
}
