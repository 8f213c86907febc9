internal import HTTP
internal import Identity
internal import Mesh
internal import Reactor

/// Answers the requests of one route from the cache where that is allowed, and from its service else.
struct CachedForwarder: Sendable {
    /// How long a request waits for another one's call before it makes its own.
    static let longestWait = Duration.seconds(3)
    /// How often it waits for a call that then does not answer it.
    private static let rounds = 3

    let forwarder: Forwarder
    let cache: EdgeCache
    let policy: CachePolicy

    private var route: Route { forwarder.route }

    /// What to do about a request that has been let through.
    private enum Plan {
        case answer(Response)
        case ask(CacheCall)
        /// Go round the cache.
        case bypass
    }

    /// Answers at once what needs neither a look at a token nor the service.
    ///
    /// - Throws: 429 and 406.
    func reply(to request: Request) throws(Problem) -> Reply {
        let admitted = try forwarder.gatekeeper.admitAnybody(request, to: route, forwarder.limiter)
        guard let pass = admitted else {
            return .later { request throws(Problem) in
                let forwarder = forwarder
                let pass = try await forwarder.gatekeeper.admit(
                    request,
                    to: forwarder.route,
                    forwarder.limiter
                )
                return try await carryOut(try decide(request, pass), request, pass)
            }
        }
        let plan = try decide(request, pass)
        if case .answer(let response) = plan { return .now(response) }
        return .later { request throws(Problem) in try await carryOut(plan, request, pass) }
    }

    private func decide(_ request: Request, _ pass: Gatekeeper.Pass) throws(Problem) -> Plan {
        AccessNote.current?.set(user: pass.claims?.subject, service: route.upstream)
        guard let ask = CacheAsk(request), pass.claims == nil || policy.allowsAuthorized else {
            return .bypass
        }
        if !route.types.isEmpty { _ = try request.preferred(of: route.types) }
        let found = find(ask, at: EdgeCache.now)
        let call = CacheCall(ask: ask, found: found, pass: pass)
        switch found.decision {
        case .serve: return .answer(serve(found, call))
        case .serveAndRefresh:
            refresh(request, call)
            return .answer(serve(found, call))
        case .forward: return .ask(call)
        }
    }

    private func carryOut(
        _ plan: Plan,
        _ request: Request,
        _ pass: Gatekeeper.Pass
    ) async throws(Problem) -> Response {
        switch plan {
        case .answer(let response): return response
        case .bypass:
            cache.measures.count(.bypass)
            var response = try await forwarder.forward(request, pass)
            response.headers.add("cache-status", CacheStatus(.bypass).text)
            return response
        case .ask(let call):
            do throws(Problem) { return try await ask(request, call) } catch {
                var problem = error
                pass.standing.add(to: &problem.headers)
                throw problem
            }
        }
    }

    // MARK: What is kept

    /// What is kept for a request, and what that allows.
    func find(_ ask: CacheAsk, at now: Int64) -> CacheFinding {
        let variants = cache.find(ask.key)
        guard let stored = variants.first(where: { $0.variant.fits(ask.headers) }) else {
            return CacheFinding(
                decision: .forward(variants.isEmpty ? .uriMiss : .varyMiss),
                flightKey: ask.key.narrowed(
                    to: variants.first?.variant.rebound(to: ask.headers) ?? .any
                )
            )
        }
        let flightKey = ask.key.narrowed(to: stored.variant)
        let effect = cache.effect(on: stored, ask.key)
        guard effect != .gone else {
            cache.remove(stored, for: ask.key)
            return CacheFinding(decision: .forward(.uriMiss), flightKey: flightKey)
        }
        return CacheFinding(
            decision: .of(
                stored.freshness,
                age: stored.age.nanoseconds(at: now),
                isOutdated: effect == .outdated,
                ask.wishes
            ),
            stored: stored,
            flightKey: flightKey
        )
    }

    private func serve(_ found: CacheFinding, _ call: CacheCall) -> Response {
        let now = EdgeCache.now
        guard let stored = found.stored else { return Response(.gatewayTimeout) }
        var status = CacheStatus.hit
        status.ttl = stored.ttl(at: now)
        if found.decision == .serveAndRefresh { status.detail = "stale-while-revalidate" }
        let isStale = found.decision == .serveAndRefresh || status.ttl ?? 0 < 0
        note(isStale ? .stale : .hit, call)
        return answer(stored, call, at: now, status)
    }

    func answer(
        _ stored: StoredResponse,
        _ call: CacheCall,
        at now: Int64,
        _ status: CacheStatus
    ) -> Response {
        var response = stored.response(to: call.ask, at: now, status)
        call.pass.standing.add(to: &response.headers)
        return response
    }

    func note(_ result: CacheMeasures.Result, _ call: CacheCall) {
        guard !call.isInBackground else { return }
        cache.measures.count(result)
        AccessNote.current?.set(cache: result.rawValue)
    }

    // MARK: Asking

    private func ask(_ request: Request, _ first: CacheCall) async throws(Problem) -> Response {
        var call = first
        let end = Deadline.after(Self.longestWait).or(earlier: .current)
        for _ in 0..<Self.rounds {
            if call.ask.wishes.onlyIfCached { throw Self.notCached }
            guard !call.ask.wantsPart, !call.ask.wishes.noStore else { break }
            switch cache.join(call.found.flightKey) {
            case .alone: return try await fetch(request, call, lead: nil)
            case .lead(let lead): return try await fetch(request, call, lead: lead)
            case .follow(let flight):
                switch await flight.outcome.wait(until: end) {
                case .stored(let stored)?:
                    if let response = collapsed(stored, call) { return response }
                    // Not for this request after all, or fresh for nobody but the one who asked.
                    guard !stored.variant.fits(call.ask.headers) else {
                        return try await fetch(request, call, lead: nil)
                    }
                case .failed(let problem)?:
                    if let response = standIn(call, nil) { return response }
                    throw problem
                case .failing(let status)?:
                    if let response = standIn(call, status) { return response }
                    return try await fetch(request, call, lead: nil)
                case .notShared?, .notThisTime?, nil:
                    return try await fetch(request, call, lead: nil)
                case .abandoned?: break
                }
            }
            call.found = find(call.ask, at: EdgeCache.now)
            if case .forward = call.found.decision { continue }
            return serve(call.found, call)
        }
        return try await fetch(request, call, lead: nil)
    }

    /// The answer that another request's call brought, if this request may have it.
    private func collapsed(_ stored: StoredResponse, _ call: CacheCall) -> Response? {
        guard stored.variant.fits(call.ask.headers) else { return nil }
        let now = EdgeCache.now
        let decision = CacheDecision.of(
            stored.freshness,
            age: stored.age.nanoseconds(at: now),
            isOutdated: cache.effect(on: stored, call.ask.key) != .none,
            call.ask.wishes
        )
        // A client that wants the origin's word has it, if the origin was asked after it came.
        guard decision == .serve else { return nil }
        var status = call.status
        status.isCollapsed = true
        status.status = stored.status.code
        status.ttl = stored.ttl(at: now)
        note(.collapsed, call)
        return answer(stored, call, at: now, status)
    }

    /// The kept answer in place of one that the origin does not give, if that is allowed.
    ///
    /// - Parameter status: what the origin answered; nil when it did not.
    func standIn(_ call: CacheCall, _ failure: Status?) -> Response? {
        let now = EdgeCache.now
        guard let stored = call.found.stored,
            CacheDecision.standsIn(
                stored.freshness,
                age: stored.age.nanoseconds(at: now),
                call.ask.wishes
            )
        else { return nil }
        // Without an answer from the origin it is a hit (RFC 9211 section 2.1).
        var status = failure == nil ? CacheStatus.hit : call.status
        status.status = failure?.code
        status.ttl = stored.ttl(at: now)
        status.detail = "stale-if-error"
        note(.saved, call)
        return answer(stored, call, at: now, status)
    }

    private static var notCached: Problem {
        Problem(
            .gatewayTimeout,
            detail: "nothing is kept for this request, and it asks for nothing else",
            headers: ["cache-status": CacheStatus(.uriMiss).text]
        )
    }

    // MARK: In the background

    /// Asks the origin for what is about to be too old, unless somebody does already.
    private func refresh(_ request: Request, _ call: CacheCall) {
        guard cache.beginRefresh() else { return }
        guard case .lead(let lead) = cache.join(call.found.flightKey, anyhow: true) else {
            return cache.endRefresh()
        }
        Task(executorPreference: EventLoop.required) {
            defer { cache.endRefresh() }
            var call = call
            call.isInBackground = true
            call.found.decision = .forward(.stale)
            let response = await AccessNote.$current.withValue(nil) {
                try? await fetch(request, call, lead: lead)
            }
            guard case .stream(_, let produce)? = response?.body else { return }
            try? await produce(Drain())
        }
    }

    /// Takes a content that is wanted for the cache alone.
    private final class Drain: BodyWriter {
        var isDraining: Bool { false }

        func write(_ bytes: [UInt8]) async throws(SocketError) {}

        func flush() async throws(SocketError) {}
    }
}

/// What was found in the cache for a request.
struct CacheFinding: Sendable {
    var decision: CacheDecision
    var stored: StoredResponse?
    /// What a call for the same answer is known by.
    var flightKey: CacheKey
}

/// A request on its way to the origin.
struct CacheCall: Sendable {
    let ask: CacheAsk
    var found: CacheFinding
    let pass: Gatekeeper.Pass
    /// Whether no client waits for the answer.
    var isInBackground = false

    /// Why it goes there, as `Cache-Status` says.
    var status: CacheStatus {
        if case .forward(let reason) = found.decision { CacheStatus(reason) } else { .hit }
    }
}
