internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `DELETE /reservations/{order_id}`: nothing is held for this order afterwards.
    ///
    /// That holds whatever happened before, is still under way or comes late.
    func release(_ request: Request) async throws(Problem) -> Response {
        let order = try request.parameter("order_id", as: OrderID.self)
        _ = try await store.one(ReleaseStock(order: order))
        return .json(ReservationReceipt(orderID: order, status: "released"))
    }
}
