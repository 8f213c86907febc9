internal import Postgres
internal import ServiceKit

/// Charges, refunds and the ledger.
@main enum PaymentService {
    static func main() {
        Service.run("payment") { boot in
            let configuration = try PaymentConfiguration(boot.environment)
            let database = try await boot.database(
                migrations: PaymentMigrations.all,
                settings: Database.keyLookups
            )
            let transport = HTTPTransport(
                client: boot.client,
                endpoint: configuration.provider,
                key: configuration.key
            )
            let settlement = Settlement(
                store: PaymentStore(database: database),
                provider: StripeClient(transport: transport)
            )
            let routes = PaymentRoutes(
                settlement: settlement,
                outcomes: OutcomeCounters(boot.metrics)
            )
            boot.routes { routes.register(&$0) }
            let reconciler = Reconciler(
                settlement: settlement,
                log: boot.log,
                interval: configuration.reconcileInterval,
                gauges: UnsettledGauges(boot.metrics)
            )
            boot.background("reconcile") { await reconciler.run() }
        }
    }
}
