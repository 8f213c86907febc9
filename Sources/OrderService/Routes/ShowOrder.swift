internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension OrderRoutes {
    /// One order, for its customer and for administrators.
    @Sendable func showOrder(_ request: Request) async throws(Problem) -> Response {
        .json(OrderDocument(try await visibleOrder(request)))
    }

    /// The order in the path, if the caller may see it.
    ///
    /// - Throws: 404 for an order that is not there and for one that is somebody else's, alike.
    func visibleOrder(_ request: Request) async throws(Problem) -> Order {
        let principal = try request.principal()
        let id = try request.parameter("id", as: OrderID.self)
        guard let order = try await store.one(FindOrder(id: id)),
            order.customer == principal.user || principal.role == .admin
        else { throw .notFound("there is no order \(id)") }
        return order
    }
}
