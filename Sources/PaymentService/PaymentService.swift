internal import ServiceKit

/// Charges, refunds and the ledger.
@main enum PaymentService {
    static func main() {
        Service.run("payment") { boot in
            let configuration = try PaymentConfiguration(boot.environment)
            let database = try await boot.database(migrations: PaymentMigrations.all)
            let transport = HTTPTransport(
                client: boot.client,
                endpoint: configuration.provider,
                key: configuration.key
            )
            let stripe = StripeClient(transport: transport)
            let settlement = Settlement(
                store: PaymentStore(database: database),
                provider: stripe
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
                gauges: UnsettledGauges(boot.metrics),
                audit: ProviderAudit(
                    settlement: settlement,
                    records: stripe,
                    owner: boot.instance,
                    log: boot.log,
                    measures: DifferenceMeasures(boot.metrics)
                )
            )
            boot.background("reconcile") { await reconciler.run() }
        }
    }
}
