internal import HTTP
internal import Identity
internal import Telemetry

/// Lets administrators in, and nobody where the gateway knows no tokens.
///
/// The gateway's own routes are not in the routes file, so they bring their terms along.
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
