internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `GET /products/{id}`: one product, or 304 when the client has it already.
    func show(_ request: Request) async throws(Problem) -> Response {
        let id = try request.parameter("id", as: ProductID.self)
        guard let product = try await store.one(FindProduct(id: id)) else {
            throw .notFound("there is no product \(id)")
        }
        let answer = Response.json(product, headers: Caching.ofProducts)
        return request.unlessUnchanged(product.entityTag, answer)
    }
}
