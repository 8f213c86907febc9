internal import HTTP
internal import Messaging
internal import Postgres
internal import Sagas

/// What the order service answers.
struct OrderRoutes: Sendable {
    let store: Store<Problem>
    /// What starts and ends orders is committed together.
    let commits: GroupCommit
    let catalog: CatalogClient
    let sagas: SagaRunner<Order>
    let outbox: Outbox

    func add(to routes: inout Router) {
        routes.on(.post, "/orders", from: "gateway", placeOrder)
        routes.on(.get, "/orders", from: "gateway", listOrders)
        routes.on(.get, "/orders/{id}", from: "gateway", showOrder)
        routes.on(.get, "/orders/{id}/timeline", from: "gateway", showTimeline)
    }
}
