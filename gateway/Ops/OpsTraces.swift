internal import HTTP
internal import Identity
internal import Mesh
internal import ServiceKit
internal import Telemetry

/// `/ops/traces`: what requests did, in all processes, for administrators.
struct OpsTraces: Sendable {
    let boot: Boot
    let table: RouteTable
    let tokens: TokenGate

    func add(to router: inout Router) {
        // The gateway's own routes are not in the routes file, so they bring their terms along.
        let gate = OpsGate(tokens: tokens, table: table, metrics: boot.metrics)
        let local = boot.traceAnswers
        let collector = TraceCollector(
            upstreams: { table.mutualUpstreams },
            own: { request throws(Problem) in try await local.part(request) }
        )
        router.on(.get, "/ops/traces") { request throws(Problem) in
            try await gate.admit(request)
            return try await local.list(request)
        }
        router.on(.get, "/ops/traces/{id}") { request throws(Problem) in
            try await gate.admit(request)
            return try await collector.answer(request)
        }
    }
}

/// Lets administrators in, and nobody where the gateway knows no tokens.
struct OpsGate: Sendable {
    private let table: RouteTable
    private let gatekeeper: Gatekeeper
    private let limiter: RequestLimiter

    init(tokens: TokenGate, table: RouteTable, metrics: Metrics) {
        self.table = table
        gatekeeper = Gatekeeper(tokens: tokens)
        let group = LimitGroup(user: .perSecond(50), address: .perSecond(10))
        limiter = RequestLimiter("ops", group, metrics: metrics)
    }

    /// - Throws: 401, 403 and 429 as other routes do, 404 where there are no administrators.
    func admit(_ request: Request) async throws(Problem) {
        guard table.snapshot.plan.keys != nil else {
            throw .notFound("there is nothing at \(request.path)")
        }
        var route = Route([.get], "/ops", to: "gateway")
        route.access = .admin
        let pass = try await gatekeeper.admit(request, to: route, limiter)
        AccessNote.current?.set(user: pass.claims?.subject, service: "gateway")
    }
}
