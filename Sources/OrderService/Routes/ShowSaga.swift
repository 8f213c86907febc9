internal import Contracts
internal import HTTP
internal import Postgres
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    private struct Account: Encodable {
        let id: OrderID
        /// Empty when every saga about the order has ended.
        let pending: [PendingSaga]
        let steps: [SagaLogEntry]
    }

    /// The sagas about one order and all they did; for administrators.
    @Sendable func showSaga(_ request: Request) async throws(Problem) -> Response {
        _ = try request.admin()
        let id = try request.parameter("id", as: OrderID.self)
        let found: (pending: [PendingSaga], log: [SagaLogEntry])
        do throws(DatabaseError) {
            found = try await oversight.find(id.uuid)
        } catch {
            throw Problem(error)
        }
        guard !found.pending.isEmpty || !found.log.isEmpty else {
            throw .notFound("there is no saga \(id)")
        }
        return .json(Account(id: id, pending: found.pending, steps: found.log))
    }
}
