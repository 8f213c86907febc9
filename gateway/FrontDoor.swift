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
            var upstreams: [Route.Service: Upstream] = [:]
            for service in Route.Service.allCases {
                upstreams[service] = try boot.upstream(service.rawValue)
            }
            let tokens = TokenGate(
                source: upstreams[.user],
                log: boot.log,
                metrics: boot.metrics
            )
            boot.background("signing keys") { await tokens.run() }
            let limiter = RequestLimiter(settings, metrics: boot.metrics)
            let gatekeeper = Gatekeeper(tokens: tokens, limiter: limiter)
            let forwarder = Forwarder(gatekeeper: gatekeeper, upstreams: upstreams)
            let accessLog = AccessLog(boot.log)
            boot.middleware { accessLog.wrap($0) }
            boot.allowContent(upTo: Route.table.map(\.contentLimit).max() ?? 0)
            boot.routes { router in
                forwarder.add(Route.table, to: &router)
                Welcome().add(to: &router)
            }
        }
    }
}
