internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

/// What the product service answers, and to whom.
struct ProductRoutes: Sendable {
    let store: Store<Problem>
    /// Orders that reserve at the same time share a commit.
    let reservations: Batcher<WantedReservation, OrderID, ReservationOutcome>
    /// Quotes that are asked for at the same time share a query.
    let prices: Batcher<[ProductID], Never, [ProductID: QuotedProduct]>

    init(store: Store<Problem>) {
        self.store = store
        let database = store.database
        reservations = Batcher(database) { wanted throws(DatabaseError) in
            try await database.reserve(wanted)
        }
        prices = Batcher(database, types: { _ in [FindQuotedProducts.self] }) {
            asked throws(DatabaseError) in
            let found = try await database.all(
                FindQuotedProducts(ids: Set(asked.joined()).sorted())
            )
            let known = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
            return asked.map { _ in known }
        }
    }

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
