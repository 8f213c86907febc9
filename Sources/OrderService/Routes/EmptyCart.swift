internal import HTTP

extension OrderRoutes {
    /// Takes everything out of the caller's cart.
    @Sendable func emptyCart(_ request: Request) async throws(Problem) -> Response {
        try await changeCart(request) { cart, wall throws(Problem) in
            cart.clear(at: cart.stamp(wall: wall))
        }
    }
}
