internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension PaymentRoutes {
    /// `DELETE /payments/{order_id}`: no money is taken, or every cent goes back, and a charge that
    /// comes later is refused; however often it is asked.
    ///
    /// - Throws: 503 when it could not be done yet, which is worth asking again.
    func voidPayment(_ request: Request) async throws(Problem) -> Response {
        let order: OrderID = try request.parameter("order_id")
        let settled: Settlement.Settled
        do throws(DatabaseError) {
            settled = try await settlement.void(order)
        } catch {
            throw Problem(error)
        }
        outcomes.count(.void, settled.outcome)
        return try answer(settled)
    }
}
