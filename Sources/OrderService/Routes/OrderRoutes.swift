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
    let awaited: AwaitedAnswers
    let cancellations: SagaRunner<Order>
    let oversight: SagaOversight
    let outbox: Outbox
    /// What waits in this replica's journal; nil when there is none.
    let saved: SavedOrders?
    /// What is certainly placed, though the database cannot be asked.
    let recent = RecentOrders()

    func add(to routes: inout Router) {
        routes.on(.post, "/orders", from: "gateway", placeOrder)
        routes.on(.get, "/orders", from: "gateway", listOrders)
        routes.on(.get, "/orders/{id}", from: "gateway", showOrder)
        routes.on(.get, "/orders/{id}/timeline", from: "gateway", showTimeline)
        routes.on(.post, "/orders/{id}/cancel", from: "gateway", cancelOrder)
        routes.on(.get, "/ops/sagas", from: "gateway", listSagas)
        routes.on(.get, "/ops/sagas/{id}", from: "gateway", showSaga)
        routes.on(.post, "/ops/sagas/{id}/retry", from: "gateway", retrySaga)
    }
}
