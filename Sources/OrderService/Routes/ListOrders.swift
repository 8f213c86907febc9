internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension OrderRoutes {
    private struct Page: Encodable {
        let items: [OrderDocument]
        let nextCursor: String?

        enum CodingKeys: String, CodingKey {
            case items
            case nextCursor = "next_cursor"
        }
    }

    /// The caller's orders, newest first: `?limit=20&cursor=…`.
    @Sendable func listOrders(_ request: Request) async throws(Problem) -> Response {
        let customer = try request.principal().user
        let limit = try request.queryValue("limit", as: Int64.self) ?? 20
        guard (1...100).contains(limit) else { throw .badRequest("limit must be from 1 to 100") }
        let before = try request.queryValue("cursor", as: OrderID.self)
        // One more than asked for tells whether there is another page.
        let found = try await store.all(
            FindOrders(customer: customer, before: before, limit: limit + 1)
        )
        let page = found.prefix(Int(limit))
        let next = found.count > page.count ? page.last?.id.description : nil
        return .json(Page(items: page.map(OrderDocument.init), nextCursor: next))
    }
}
