internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// The routes in force: made from a routes file, replaced as a whole when the file is read again.
///
/// A request keeps the table that it came in under, so a change drops nothing that is in flight.
final class RouteTable: Sendable {
    /// Makes the upstream of a name; its health is watched by whoever `watch` starts.
    typealias Connect = @Sendable (String, RoutingPlan.Origin) -> Upstream

    private struct InForce {
        var plan = RoutingPlan()
        var router = Router()
        var upstreams: [String: Upstream] = [:]
        var watches: [String: Task<Void, Never>] = [:]
        var limiters: [String: RequestLimiter] = [:]
    }

    private let connect: Connect
    private let metrics: Metrics
    private let inForce = Mutex(InForce())
    private let tokens: TokenGate

    init(tokens: TokenGate, metrics: Metrics, connect: @escaping Connect) {
        self.tokens = tokens
        self.metrics = metrics
        self.connect = connect
    }

    /// Puts a plan in force; upstreams and limits that stay as they were keep their state.
    ///
    /// - Parameter keysFromUpstream: whether the plan says where keys come from, or the gate knows.
    func take(_ plan: RoutingPlan, keysFromUpstream: Bool = true) {
        var next = InForce()
        next.plan = plan
        inForce.withLock { before in
            for (name, origin) in plan.upstreams {
                let isSame = before.plan.upstreams[name] == origin
                next.upstreams[name] =
                    (isSame ? before.upstreams[name] : nil) ?? connect(name, origin)
                if isSame { next.watches[name] = before.watches.removeValue(forKey: name) }
            }
            for (name, group) in plan.limits {
                let isSame = before.plan.limits[name] == group
                next.limiters[name] =
                    (isSame ? before.limiters[name] : nil)
                    ?? RequestLimiter(name, group, metrics: metrics)
            }
            next.router = router(plan, next.upstreams, next.limiters)
            for gone in before.watches.values { gone.cancel() }
            before = next
        }
        guard keysFromUpstream, let keys = plan.keys else { return }
        tokens.look(at: next.upstreams[keys.upstream], keys.path)
    }

    private func router(
        _ plan: RoutingPlan,
        _ upstreams: [String: Upstream],
        _ limiters: [String: RequestLimiter]
    ) -> Router {
        var router = Router()
        let gatekeeper = Gatekeeper(tokens: plan.keys == nil ? nil : tokens)
        for route in plan.routes {
            guard let upstream = upstreams[route.upstream], let limiter = limiters[route.limit]
            else { continue }
            let forwarder = Forwarder(
                route: route,
                upstream: upstream,
                limiter: limiter,
                gatekeeper: gatekeeper
            )
            for method in route.methods {
                for template in route.templates {
                    router.on(method, template) { request throws(Problem) in
                        try await forwarder.forward(request)
                    }
                }
            }
        }
        return router
    }

    /// Watches the upstreams' health until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            inForce.withLock { table in
                for (name, upstream) in table.upstreams where table.watches[name] == nil {
                    table.watches[name] = Task(executorPreference: EventLoop.required) {
                        await upstream.run()
                    }
                }
            }
            do { try await EventLoop.sleep(for: .milliseconds(200)) } catch { break }
        }
        for watch in inForce.withLock({ $0.watches.values.map(\.self) }) { watch.cancel() }
    }

    /// What is in force, for those who look.
    var snapshot: (plan: RoutingPlan, upstreams: [UpstreamSnapshot]) {
        let (plan, upstreams) = inForce.withLock { ($0.plan, $0.upstreams) }
        return (plan, upstreams.sorted { $0.key < $1.key }.map(\.value.snapshot))
    }

    /// The platform's own services: upstreams that prove who they are.
    var mutualUpstreams: [Upstream] {
        inForce.withLock { table in
            table.plan.upstreams.filter { $0.value.transport == .mutual }.keys.sorted()
                .compactMap { table.upstreams[$0] }
        }
    }

    // MARK: Answering

    /// Answers what the table knows; the rest is `next`'s.
    func wrap(_ next: @escaping Handler) -> Handler {
        { request throws(Problem) in
            let (router, cors) = self.inForce.withLock { ($0.router, $0.plan.cors) }
            guard router.knows(request.path) else { return try await next(request) }
            try Self.refuseTunnels(request)
            guard let cors, let origin = request.headers["origin"] else {
                return try await router.handle(request)
            }
            if let answer = cors.preflight(request, methods: router.methods(at: request.path)) {
                return answer
            }
            do throws(Problem) {
                var response = try await router.handle(request)
                response.headers.append(cors.fields(for: origin))
                return response
            } catch {
                var problem = error
                problem.headers.append(cors.fields(for: origin))
                throw problem
            }
        }
    }

    /// Refuses WebSockets: connections that no limit of ours would govern.
    ///
    /// Other upgrades are ignored, as RFC 9110 section 7.8 lets a server do.
    private static func refuseTunnels(_ request: Request) throws(Problem) {
        guard request.headers.lists("websocket", in: "upgrade") else { return }
        throw Problem(
            .notImplemented,
            "no-websockets",
            detail: "this gateway carries no WebSockets; event streams (text/event-stream) it does"
        )
    }
}
