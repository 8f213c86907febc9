internal import HTTP
internal import Mesh

/// What a gateway shows of itself: on the admin port to whoever gets there, under `/ops` to
/// administrators.
struct GatewayView: Sendable {
    /// This process's name, such as `gateway.1`.
    let name: String
    let table: RouteTable
    let gateways: LiveGateways

    private struct Routes: Encodable {
        let routes: [RouteView]
    }

    private struct Upstreams: Encodable {
        let upstreams: [UpstreamView]
    }

    private struct Topology: Encodable {
        let gateway: String
        let upstreams: [UpstreamView]
        let limits: LimitsView
    }

    /// `/routes`, `/upstreams` and `/limits`.
    func addAdmin(to router: inout Router) {
        router.immediate(.get, "/routes") { _ throws(Problem) in
            .json(Routes(routes: table.snapshot.plan.routes.map(RouteView.init)))
        }
        router.immediate(.get, "/upstreams") { _ throws(Problem) in
            .json(Upstreams(upstreams: upstreams))
        }
        router.immediate(.get, "/limits") { _ throws(Problem) in .json(limits) }
    }

    /// `/ops/topology`: who answers for what, and how it is.
    func addOperations(to router: inout Router, _ gate: OpsGate) {
        router.on(.get, "/ops/topology") { request throws(Problem) in
            try await gate.admit(request)
            return .json(
                Topology(gateway: name, upstreams: upstreams, limits: limits),
                headers: [.cacheControl: "no-store"]
            )
        }
    }

    private var upstreams: [UpstreamView] {
        let (plan, upstreams) = table.snapshot
        let shedders = table.limits.shedders
        return upstreams.compactMap { upstream in
            guard let shedder = shedders[upstream.name] else { return nil }
            return UpstreamView(
                calls: upstream,
                shedding: SheddingView(shedder, routes: plan.routes(to: upstream.name))
            )
        }
    }

    private var limits: LimitsView {
        let (groups, _, yielding) = table.limits
        return LimitsView(
            gateways: gateways.count,
            yielding: yielding.named,
            groups: groups.mapValues(\.tables)
        )
    }
}
