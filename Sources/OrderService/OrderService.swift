internal import Contracts
internal import HTTP
internal import Mesh
internal import Messaging
internal import Postgres
internal import Sagas
internal import ServiceKit

/// Takes orders and drives each to its end: confirmed and paid, or rejected and undone.
@main
enum OrderService {
    static func main() {
        Service.run("order") { boot in
            let configuration = try OrderConfiguration(boot.environment)
            let product = try boot.upstream("product", policy: participants)
            let payment = try boot.upstream("payment", policy: participants)
            let database = try await boot.database(migrations: migrations)
            let outbox = Outbox()
            let saga = PlaceOrderSaga(
                stock: StockParticipant(product),
                payments: PaymentParticipant(payment),
                outbox: outbox,
                deadline: configuration.checkoutDeadline
            )
            let sagas = SagaRunner(
                saga.definition,
                database: database,
                driver: boot.instance,
                policy: configuration.sagas,
                log: boot.log,
                metrics: boot.metrics
            ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
            let routes = OrderRoutes(
                store: Store(database),
                catalog: CatalogClient(upstream: product),
                sagas: sagas,
                outbox: outbox
            )
            let feed = EventFeed(of: "order", in: database) { boot.isStopping }
            boot.routes { router in
                routes.add(to: &router)
                feed.add(to: &router, readers: "notification")
            }
            boot.background("sagas") { await sagas.run() }
        }
    }

    /// How participants are called: few calls at a time, and a long queue.
    ///
    /// A replica that comes back has up to a thousand sagas to drive at once. All of them asking together
    /// would time out together, open the breaker, and ask together again when it closes; so they queue
    /// here, where waiting costs nothing.
    private static var participants: MeshPolicy {
        var policy = MeshPolicy()
        policy.maxInFlight = 48
        policy.maxQueue = 2_048
        return policy
    }

    /// In the order they came to be; new ones go to the end.
    private static let migrations = [
        MessagingMigrations.outbox,
        SagaMigrations.pending,
        Migration(name: "v0001_create_orders", sql: PackageResources.v0001_create_orders_sql),
    ]
}
