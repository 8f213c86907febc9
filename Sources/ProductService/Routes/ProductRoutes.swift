internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

/// What the product service answers, and to whom.
struct ProductRoutes: Sendable {
    let store: Store<Problem>

    func register(_ router: inout Router) {
        // Customers, through the gateway. Anonymous callers may look.
        router.on(.get, "/products", from: "gateway", search)
        router.on(.get, "/products/{id}", from: "gateway", show)

        // Administrators, through the gateway.
        router.on(.post, "/products", from: "gateway", create)
        router.on(.patch, "/products/{id}", from: "gateway", change)
        router.on(.delete, "/products/{id}", from: "gateway", withdraw)
        router.on(.post, "/products/{id}/stock", from: "gateway", receiveDelivery)

        // The checkout saga.
        router.on(.post, "/quotes", from: "order", quote)
        router.on(.put, "/reservations/{order_id}", from: "order", reserve)
        router.on(.delete, "/reservations/{order_id}", from: "order", release)
    }
}
