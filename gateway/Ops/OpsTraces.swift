internal import HTTP
internal import Mesh
internal import ServiceKit
internal import Telemetry

/// `/ops/traces`: what requests did, in all processes, for administrators.
struct OpsTraces: Sendable {
    let boot: Boot
    let table: RouteTable
    let gate: OpsGate

    func add(to router: inout Router) {
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
