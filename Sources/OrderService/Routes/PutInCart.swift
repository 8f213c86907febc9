internal import Contracts
internal import HTTP
internal import ServiceKit

extension OrderRoutes {
    private struct Wanted: Decodable {
        let quantity: Int64
    }

    /// Sets how many pieces of a product are in the caller's cart.
    ///
    /// Whether there is such a product is asked at checkout: until then it may well go.
    @Sendable func putInCart(_ request: Request) async throws(Problem) -> Response {
        let product = try request.parameter("product_id", as: ProductID.self)
        let quantity = try await request.json(Wanted.self, limit: 1024).quantity
        let errors = CartDocument.errors(in: quantity, at: "/quantity")
        guard errors.isEmpty else { throw .invalid(errors) }
        return try await changeCart(request) { cart, wall throws(Problem) in
            cart.set(product, to: quantity, at: cart.stamp(wall: wall))
        }
    }
}
