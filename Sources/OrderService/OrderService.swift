internal import Contracts
internal import HTTP
internal import Messaging
internal import Postgres
internal import Sagas
internal import ServiceKit

/// Takes orders and drives each to its end: confirmed and paid, rejected and undone, or cancelled and
/// refunded.
@main
enum OrderService {
    static func main() {
        Service.run("order") { boot in
            let configuration = try OrderConfiguration(boot.environment)
            let product = try boot.upstream("product")
            let payment = try boot.upstream("payment")
            let database = try await boot.database(migrations: migrations)
            let outbox = Outbox()
            let stock = StockParticipant(product)
            let payments = PaymentParticipant(payment)
            let placing = PlaceOrderSaga(
                stock: stock,
                payments: payments,
                outbox: outbox,
                deadline: configuration.checkoutDeadline
            )
            let cancelling = CancelOrderSaga(stock: stock, payments: payments, outbox: outbox)
            let sagas = runner(placing.definition, boot, database)
            let cancellations = runner(cancelling.definition, boot, database)
            let watch = SagaWatch(database, log: boot.log, metrics: boot.metrics)
            let routes = OrderRoutes(
                store: Store(database),
                catalog: CatalogClient(upstream: product),
                sagas: sagas,
                cancellations: cancellations,
                oversight: SagaOversight(database, instance: boot.instance),
                outbox: outbox
            )
            let feed = EventFeed(of: "order", in: database) { boot.isStopping }
            boot.routes { router in
                routes.add(to: &router)
                feed.add(to: &router, readers: "notification")
            }
            boot.background("sagas") { await sagas.run() }
            boot.background("cancellations") { await cancellations.run() }
            boot.background("saga watch") { await watch.run() }
        }
    }

    private static func runner(
        _ saga: Saga<Order>,
        _ boot: Boot,
        _ database: Database
    ) -> SagaRunner<Order> {
        SagaRunner(
            saga,
            database: database,
            driver: boot.instance,
            log: boot.log,
            metrics: boot.metrics
        ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
    }

    /// In the order they came to be; new ones go to the end.
    static let migrations = [
        MessagingMigrations.outbox,
        SagaMigrations.pending,
        Migration(name: "v0001_create_orders", sql: PackageResources.v0001_create_orders_sql),
        SagaMigrations.kinds,
        Migration(name: "v0003_allow_cancelling", sql: PackageResources.v0003_allow_cancelling_sql),
    ]
}
