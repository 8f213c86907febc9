internal import HTTP
internal import Mesh
internal import Messaging
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
                key: configuration.key,
                tls: try configuration.providerTLS()
            )
            var guards = GuardedTransport.Policy()
            guards.limit = configuration.providerLimit
            guards.breaker.openTime = configuration.breakerOpen
            let stripe = StripeClient(
                transport: GuardedTransport(
                    transport,
                    policy: guards,
                    log: boot.log,
                    metrics: boot.metrics
                )
            )
            let settlement = Settlement(
                store: PaymentStore(database: database),
                provider: stripe
            )
            let routes = PaymentRoutes(
                settlement: settlement,
                outcomes: OutcomeCounters(boot.metrics)
            )
            let feed = EventFeed(of: "payment", in: database) { boot.isStopping }
            boot.routes { router in
                routes.register(&router)
                feed.add(to: &router, readers: "notification")
            }
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
