internal import Contracts
internal import HTTP
internal import Mesh
internal import Messaging
internal import Postgres
internal import Sagas
internal import ServiceKit

/// Keeps carts, takes orders and drives each to its end: confirmed and paid, rejected and undone, or
/// cancelled and refunded.
@main
enum OrderService {
    static func main() {
        Service.run("order") { boot in
            let configuration = try OrderConfiguration(boot.environment, without: boot.ablation)
            let product = try boot.upstream("product", policy: calls)
            let payment = try boot.upstream("payment", policy: calls)
            let journal = try await OrderJournal(configuration, boot)
            // Without a database orders can still be saved.
            let database = try await boot.database(
                migrations: migrations,
                waits: journal == nil,
                settings: Database.keyLookups
            )
            let commits = GroupCommit(database)
            let outbox = Outbox()
            let participants = (StockParticipant(product), PaymentParticipant(payment))
            let sagas = OrderSagas(participants, database, commits, outbox, configuration, boot)
            let watch = SagaWatch(database, log: boot.log, metrics: boot.metrics)
            let routes = OrderRoutes(
                store: Store(database),
                commits: commits,
                gathering: Gathering(patience: configuration.gathering),
                catalog: CatalogClient(upstream: product),
                sagas: sagas.placing,
                awaited: sagas.awaited,
                cancellations: sagas.cancelling,
                oversight: SagaOversight(database, instance: boot.instance),
                outbox: outbox,
                saved: journal?.saved
            )
            boot.routes { routes.add(to: &$0) }
            try boot.publishEvents(in: database, to: "notification")
            boot.background("sagas") { await sagas.placing.run() }
            boot.background("cancellations") { await sagas.cancelling.run() }
            boot.background("saga watch") { await watch.run() }
            journal?.run(routes, on: boot)
        }
    }

    /// How participants are called: few calls at a time, and a long queue.
    ///
    /// A replica that comes back has up to a thousand sagas to drive at once. All of them asking together
    /// would time out together, open the breaker, and ask together again when it closes; so they queue
    /// here, where waiting costs nothing.
    static var calls: MeshPolicy {
        var policy = MeshPolicy()
        policy.maxInFlight = 48
        policy.maxQueue = 2_048
        return policy
    }

    /// In the order they came to be; new ones go to the end.
    static let migrations = [
        MessagingMigrations.outbox,
        SagaMigrations.pending,
        Migration(name: "v0001_create_orders", sql: PackageResources.v0001_create_orders_sql),
        Migration(
            name: "v0002_list_orders_by_time",
            sql: PackageResources.v0002_list_orders_by_time_sql
        ),
        SagaMigrations.kinds,
        Migration(name: "v0003_allow_cancelling", sql: PackageResources.v0003_allow_cancelling_sql),
        SagaMigrations.endMany,
        MessagingMigrations.outboxDays,
        Migration(name: "v0004_create_carts", sql: PackageResources.v0004_create_carts_sql),
        SagaMigrations.trace,
    ]
}
