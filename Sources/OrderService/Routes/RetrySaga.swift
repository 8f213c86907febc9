internal import Contracts
internal import HTTP
internal import Postgres
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    private struct Hastened: Encodable {
        let id: OrderID
        let pending: [PendingSaga]
    }

    /// Takes up an order's sagas now instead of after their pause, and notes who asked; for
    /// administrators.
    @Sendable func retrySaga(_ request: Request) async throws(Problem) -> Response {
        let admin = try request.admin()
        let id = try request.parameter("id", as: OrderID.self)
        let hastened: [PendingSaga]
        do throws(DatabaseError) {
            hastened = try await oversight.retry(id.uuid, by: "admin \(admin.user)")
        } catch {
            throw Problem(error)
        }
        guard !hastened.isEmpty else {
            throw Problem(
                .conflict,
                "no-saga-pending",
                detail: "no saga of \(id) is pending; GET /ops/sagas/\(id) tells what they did"
            )
        }
        return .json(
            Hastened(id: id, pending: hastened),
            status: .accepted,
            headers: [.location: "/ops/sagas/\(id)"]
        )
    }
}
