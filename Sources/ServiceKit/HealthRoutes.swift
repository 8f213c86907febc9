internal import HTTP

/// Tells load balancers and operators how the process is.
///
/// Liveness asks nothing but whether requests are answered at all; readiness adds whether the process
/// has finished starting and is not about to stop. Neither asks the database: a check that fails with
/// a shared dependency would take out every replica at once.
struct HealthRoutes: Sendable {
    private struct Report: Encodable {
        let status: String
        let service: String
        let instance: String
    }

    let name: String
    let instance: String
    let stage: @Sendable () -> ServiceRuntime.Stage

    func add(to router: inout Router) {
        router.immediate(.get, "/health") { _ throws(Problem) in ready() }
        router.immediate(.get, "/health/ready") { _ throws(Problem) in ready() }
        router.immediate(.get, "/health/live") { _ throws(Problem) in report(.ok, "live") }
    }

    private func ready() -> Response {
        switch stage() {
        case .ready: report(.ok, "ready")
        case .starting: report(.serviceUnavailable, "starting")
        case .draining: report(.serviceUnavailable, "draining")
        }
    }

    private func report(_ status: Status, _ text: String) -> Response {
        .json(Report(status: text, service: name, instance: instance), status: status)
    }
}
