internal import Contracts
internal import HTTP
internal import Postgres
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    private struct Timeline: Encodable {
        let orderID: OrderID
        let status: OrderStatus
        /// `running`, `compensating` or `finishing`; `ended` when nothing is left to do.
        let saga: String
        let attemptsWithoutAnswer: Int
        let lastError: String?
        let steps: [SagaLogEntry]

        enum CodingKeys: String, CodingKey {
            case orderID = "order_id"
            case status, saga, steps
            case attemptsWithoutAnswer = "attempts_without_answer"
            case lastError = "last_error"
        }
    }

    /// What the order's sagas did, try by try, and what it is doing.
    @Sendable func showTimeline(_ request: Request) async throws(Problem) -> Response {
        let order = try await visibleOrder(request)
        let id = order.id.uuid
        let (pending, log) = try await store.pipeline(FindPendingSagas(id: id), FindSagaLog(id: id))
        let state = pending.first
        return .json(
            Timeline(
                orderID: order.id,
                status: order.status,
                saga: state?.phase ?? "ended",
                attemptsWithoutAnswer: state?.attempts ?? 0,
                lastError: state?.lastError,
                steps: log.flatMap(\.self)
            )
        )
    }
}
