internal import Contracts
internal import HTTP
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
            let product = try boot.upstream("product")
            let payment = try boot.upstream("payment")
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
                log: boot.log,
                metrics: boot.metrics
            ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
            let routes = OrderRoutes(
                store: Store(database),
                catalog: CatalogClient(upstream: product),
                sagas: sagas,
                outbox: outbox
            )
            boot.routes { routes.add(to: &$0) }
            try boot.publishEvents(in: database, to: "notification")
            boot.background("sagas") { await sagas.run() }
        }
    }

    /// In the order they came to be; new ones go to the end.
    private static let migrations = [
        MessagingMigrations.outbox,
        SagaMigrations.pending,
        Migration(name: "v0001_create_orders", sql: PackageResources.v0001_create_orders_sql),
        MessagingMigrations.outboxDays,
    ]
}
