internal import Contracts
internal import HTTP
internal import Mesh
internal import Messaging
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
            let stripe = try provider(configuration, boot)
            let settlement = Settlement(
                store: PaymentStore(database: database),
                provider: stripe
            )
            let routes = PaymentRoutes(
                settlement: settlement,
                outcomes: OutcomeCounters(boot.metrics)
            )
            boot.routes { routes.register(&$0) }
            try boot.publishEvents(in: database, to: "notification")
            let audit = ProviderAudit(
                settlement: settlement,
                records: stripe,
                owner: boot.instance,
                log: boot.log,
                measures: DifferenceMeasures(boot.metrics)
            )
            if let secret = configuration.webhookSecret {
                boot.routes { WebhookRoutes(audit: audit, secret: secret).register(&$0) }
            }
            let reconciler = Reconciler(
                settlement: settlement,
                log: boot.log,
                interval: configuration.reconcileInterval,
                gauges: UnsettledGauges(boot.metrics),
                audit: audit
            )
            boot.background("reconcile") { await reconciler.run() }
        }
    }

    /// The provider, behind what keeps its troubles from becoming ours.
    private static func provider(
        _ configuration: PaymentConfiguration,
        _ boot: Boot
    ) throws(ConfigurationError) -> StripeClient {
        let transport = HTTPTransport(
            client: boot.client,
            endpoint: configuration.provider,
            key: configuration.key,
            tls: try configuration.providerTLS()
        )
        var guards = GuardedTransport.Policy()
        guards.limit = configuration.providerLimit
        guards.breaker.openTime = configuration.breakerOpen
        if boot.ablation.lacks(.breaker) { guards.breaker.neverOpen() }
        return StripeClient(
            transport: GuardedTransport(
                transport,
                policy: guards,
                log: boot.log,
                metrics: boot.metrics
            ),
            repeatsKeys: !boot.ablation.lacks(.idempotency)
        )
    }
}
