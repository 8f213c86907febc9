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
        var cache: EdgeCache?
        var upstreams: [String: Upstream] = [:]
        var watches: [String: Task<Void, Never>] = [:]
        var limiters: [String: RequestLimiter] = [:]
        var shedders: [String: LoadShedder] = [:]
    }

    private let connect: Connect
    private let follow: Connect
    private let metrics: Metrics
    private let inForce = Mutex(InForce())
    private let tokens: TokenGate
    private let gateways: LiveGateways
    private let shedding: ConcurrencyLimit.Policy
    private let precedence = LoadShedder.Shared()

    init(
        tokens: TokenGate,
        metrics: Metrics,
        gateways: LiveGateways = LiveGateways(),
        shedding: ConcurrencyLimit.Policy = ConcurrencyLimit.Policy(),
        follow: Connect? = nil,
        connect: @escaping Connect
    ) {
        self.tokens = tokens
        self.metrics = metrics
        self.gateways = gateways
        self.shedding = shedding
        self.connect = connect
        self.follow = follow ?? connect
    }

    /// Puts a plan in force; upstreams and limits that stay as they were keep their state.
    ///
    /// - Parameter keysFromUpstream: whether the plan says where keys come from, or the gate knows.
    func take(_ plan: RoutingPlan, keysFromUpstream: Bool = true) {
        var next = InForce()
        next.plan = plan
        var areKeysElsewhere = false
        inForce.withLock { before in
            areKeysElsewhere = before.plan.keyOrigin != plan.keyOrigin
            for (name, origin) in plan.upstreams {
                let isSame = before.plan.upstreams[name] == origin
                next.upstreams[name] =
                    (isSame ? before.upstreams[name] : nil) ?? connect(name, origin)
                if isSame { next.watches[name] = before.watches.removeValue(forKey: name) }
                // What is known of an upstream's times is known by the number of the route.
                let isKnown = isSame && before.plan.routes(to: name) == plan.routes(to: name)
                next.shedders[name] =
                    (isKnown ? before.shedders[name] : nil)
                    ?? LoadShedder(name, policy: shedding, shared: precedence, metrics: metrics)
            }
            for (name, group) in plan.limits {
                let isSame = before.plan.limits[name] == group
                next.limiters[name] =
                    (isSame ? before.limiters[name] : nil)
                    ?? RequestLimiter(name, group, gateways: gateways, metrics: metrics)
            }
            next.cache = cache(for: plan, before.plan, before.cache)
            next.router = router(next)
            for gone in before.watches.values { gone.cancel() }
            before = next
        }
        guard keysFromUpstream, let keys = plan.keys, let origin = plan.keyOrigin?.origin,
            let upstream = next.upstreams[keys.upstream]
        else { return }
        tokens.look(at: upstream, keys.path)
        guard areKeysElsewhere else { return }
        tokens.sessions.look(at: follow(keys.upstream, origin), keys.endedSessions)
    }

    /// The cache for a plan, nil when no route has one; what other routes or origins said is forgotten.
    private func cache(
        for plan: RoutingPlan,
        _ before: RoutingPlan,
        _ known: EdgeCache?
    ) -> EdgeCache? {
        guard plan.routes.contains(where: { $0.cache != nil }) else { return nil }
        guard let known, before.cache == plan.cache else {
            return EdgeCache(plan.cache, metrics: metrics)
        }
        if before.routes != plan.routes || before.upstreams != plan.upstreams {
            known.purgeEverything(.gone)
        }
        return known
    }

    private func router(_ table: InForce) -> Router {
        var router = Router()
        let cache = table.cache
        let invalidation = cache.map { Invalidation(cache: $0, routes: table.plan.routes) }
        let gatekeeper = Gatekeeper(tokens: table.plan.keys == nil ? nil : tokens)
        var lanes: [String: Int] = [:]
        for route in table.plan.routes {
            guard let upstream = table.upstreams[route.upstream],
                let limiter = table.limiters[route.limit],
                let shedder = table.shedders[route.upstream]
            else { continue }
            let lane = lanes[route.upstream, default: 0]
            lanes[route.upstream] = lane + 1
            let forwarder = Forwarder(
                route: route,
                upstream: upstream,
                limiter: limiter,
                gatekeeper: gatekeeper,
                shedder: shedder,
                lane: lane
            )
            for method in route.methods {
                for template in route.templates {
                    if method == .get, let cache, let policy = route.cache {
                        let cached = CachedForwarder(
                            forwarder: forwarder,
                            cache: cache,
                            policy: policy
                        )
                        router.deciding(method, template) { request throws(Problem) in
                            try cached.reply(to: request)
                        }
                        continue
                    }
                    let forward: Handler = { request throws(Problem) in
                        try await forwarder.forward(request)
                    }
                    let handler = method.isSafe ? forward : invalidation?.wrap(forward) ?? forward
                    router.on(method, template, handler)
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

    /// The cache in force, with the feeds that tell what is old and the routes that want to know.
    var cached: (cache: EdgeCache, plan: RoutingPlan, upstreams: [String: Upstream])? {
        inForce.withLock { table in table.cache.map { ($0, table.plan, table.upstreams) } }
    }

    /// The limits in force, for those who look.
    var limits:
        (
            groups: [String: RequestLimiter], shedders: [String: ConcurrencyLimit],
            yielding: PerPriority<Double>
        )
    {
        let (groups, shedders) = inForce.withLock { ($0.limiters, $0.shedders) }
        return (groups, shedders.mapValues(\.snapshot), precedence.shares)
    }

    /// The platform's own services: upstreams that prove who they are.
    var mutualUpstreams: [Upstream] {
        inForce.withLock { table in
            table.plan.upstreams.filter { $0.value.transport == .mutual }.keys.sorted()
                .compactMap { table.upstreams[$0] }
        }
    }

    // MARK: Answering

    // Made once: every request is asked for them.
    private static let origin: HeaderName = "origin"
    private static let upgrade: HeaderName = "upgrade"

    /// Answers what the table knows; the rest is `next`'s.
    func wrap(_ next: Responder) -> Responder {
        Responder { request throws(Problem) in
            let (router, cors) = self.inForce.withLock { ($0.router, $0.plan.cors) }
            guard router.knows(request.path) else { return try next.reply(to: &request) }
            try Self.refuseTunnels(request)
            guard let cors, let origin = request.headers[Self.origin] else {
                return try router.responder.reply(to: &request)
            }
            if let answer = cors.preflight(request, methods: router.methods(at: request.path)) {
                return .now(answer)
            }
            return try Self.adding(cors.fields(for: origin), to: router.responder, &request)
        }
    }

    /// The same for whoever waits anyhow.
    func wrap(_ next: @escaping Handler) -> Handler { wrap(Responder(next)).handler }

    /// The reply with some fields more, whatever it is.
    private static func adding(
        _ fields: Headers,
        to responder: Responder,
        _ request: inout Request
    ) throws(Problem) -> Reply {
        func added(_ problem: Problem) -> Problem {
            var problem = problem
            problem.headers.append(fields)
            return problem
        }
        do throws(Problem) {
            switch try responder.reply(to: &request) {
            case .now(var response):
                response.headers.append(fields)
                return .now(response)
            case .later(let handler):
                return .later { request throws(Problem) in
                    do throws(Problem) {
                        var response = try await handler(request)
                        response.headers.append(fields)
                        return response
                    } catch {
                        var problem = error
                        problem.headers.append(fields)
                        throw problem
                    }
                }
            }
        } catch {
            throw added(error)
        }
    }

    /// Refuses WebSockets: connections that no limit of ours would govern.
    ///
    /// Other upgrades are ignored, as RFC 9110 section 7.8 lets a server do.
    private static func refuseTunnels(_ request: Request) throws(Problem) {
        guard request.headers.lists("websocket", in: upgrade) else { return }
        throw Problem(
            .notImplemented,
            "no-websockets",
            detail: "this gateway carries no WebSockets; event streams (text/event-stream) it does"
        )
    }
}
