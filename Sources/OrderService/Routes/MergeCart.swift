internal import HTTP

extension OrderRoutes {
    /// The most bytes of a cart that is sent in.
    private static let cartLimit = 128 << 10

    /// Merges a cart that the client holds into the caller's.
    ///
    /// It may have been filled while signed out, or while the shop could not be reached. To ask again
    /// changes nothing more.
    @Sendable func mergeCart(_ request: Request) async throws(Problem) -> Response {
        let held = try await request.json(CartDocument.self, limit: Self.cartLimit)
        return try await changeCart(request) { cart, wall throws(Problem) in
            cart.merge(try held.changes(to: cart, wall: wall))
        }
    }
}
