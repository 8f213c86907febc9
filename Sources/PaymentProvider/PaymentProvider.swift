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
            let routes = SandboxRoutes(
                store: SandboxStore(database: Store(database)),
                key: configuration.key,
                log: boot.log
            )
            boot.routes { routes.register(&$0) }
        }
    }
}
