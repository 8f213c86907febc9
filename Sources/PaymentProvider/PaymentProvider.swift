internal import Postgres
internal import ServiceKit

/// The payment provider's sandbox: it speaks Stripe's API, so the real one can take its place.
@main enum PaymentProvider {
    static func main() {
        Service.run("provider", transport: .plain) { boot in
            let configuration = try ProviderConfiguration(boot.environment)
            let database = try await boot.database(
                migrations: SandboxMigrations.all,
                settings: Database.keyLookups
            )
            let sender = configuration.webhook.map {
                WebhookSender(to: $0, client: boot.client, log: boot.log)
            }
            if let sender { boot.background("webhooks") { await sender.run() } }
            let routes = SandboxRoutes(
                store: SandboxStore(database: Store(database)),
                key: configuration.key,
                log: boot.log,
                webhooks: sender
            )
            boot.routes { routes.register(&$0) }
        }
    }
}
