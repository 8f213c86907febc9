internal import Contracts
internal import HTTP

extension OrderRoutes {
    /// Takes a product out of the caller's cart; one that is not in it is no error.
    @Sendable func removeFromCart(_ request: Request) async throws(Problem) -> Response {
        let product = try request.parameter("product_id", as: ProductID.self)
        return try await changeCart(request) { cart, wall throws(Problem) in
            cart.set(product, to: 0, at: cart.stamp(wall: wall))
        }
    }
}
