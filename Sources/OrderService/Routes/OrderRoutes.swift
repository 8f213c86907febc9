internal import HTTP
internal import Messaging
internal import Postgres
internal import Sagas

/// What the order service answers.
struct OrderRoutes: Sendable {
    let store: Store<Problem>
    /// What starts and ends orders is committed together.
    let commits: GroupCommit
    /// Checkouts that come close to each other go through their commits together.
    let gathering: Gathering
    /// Keys that are looked up at the same time share a query.
    let answers: Batcher<FindAnswer, Never, KnownKey?>
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

    init(
        store: Store<Problem>,
        commits: GroupCommit,
        gathering: Gathering = Gathering(patience: .milliseconds(1)),
        catalog: CatalogClient,
        sagas: SagaRunner<Order>,
        awaited: AwaitedAnswers,
        cancellations: SagaRunner<Order>,
        oversight: SagaOversight,
        outbox: Outbox,
        saved: SavedOrders?
    ) {
        let database = store.database
        self.store = store
        self.commits = commits
        self.gathering = gathering
        answers = Batcher(database, overlaps: true) { asked throws(DatabaseError) in
            try await database.answers(asked)
        }
        self.catalog = catalog
        self.sagas = sagas
        self.awaited = awaited
        self.cancellations = cancellations
        self.oversight = oversight
        self.outbox = outbox
        self.saved = saved
    }

    func add(to routes: inout Router) {
        routes.on(.post, "/orders", from: "gateway", placeOrder)
        routes.on(.get, "/orders", from: "gateway", listOrders)
        routes.on(.get, "/orders/{id}", from: "gateway", showOrder)
        routes.on(.get, "/orders/{id}/timeline", from: "gateway", showTimeline)
        routes.on(.post, "/orders/{id}/cancel", from: "gateway", cancelOrder)
        routes.on(.get, "/cart", from: "gateway", showCart)
        routes.on(.delete, "/cart", from: "gateway", emptyCart)
        routes.on(.put, "/cart/items/{product_id}", from: "gateway", putInCart)
        routes.on(.delete, "/cart/items/{product_id}", from: "gateway", removeFromCart)
        routes.on(.post, "/cart/merge", from: "gateway", mergeCart)
        routes.on(.get, "/ops/sagas", from: "gateway", listSagas)
        routes.on(.get, "/ops/sagas/{id}", from: "gateway", showSaga)
        routes.on(.post, "/ops/sagas/{id}/retry", from: "gateway", retrySaga)
    }
}
