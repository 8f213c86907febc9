internal import HTTP
internal import ServiceKit

extension OrderRoutes {
    /// The caller's cart; 304 when the caller has this version.
    @Sendable func showCart(_ request: Request) async throws(Problem) -> Response {
        let stored = try await cart(of: request.principal().user)
        return request.unlessUnchanged(stored.entityTag, stored.response)
    }
}
