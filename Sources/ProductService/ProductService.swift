internal import HTTP
internal import Postgres
internal import ServiceKit
internal import Telemetry

/// The catalog, its search, and the stock that orders reserve.
@main
enum ProductService {
    static func main() {
        Service.run("product") { boot in
            let database = try await boot.database(migrations: Migrations.all)
            let entries = try BuiltInCatalog.entries()
            let seed = SeedCatalog(name: BuiltInCatalog.name, entries: entries)
            if let added = try await database.one(seed), added > 0 {
                boot.log.info("catalog seeded", ["products": .int(added)])
            }
            try boot.publishEvents(in: database, to: "gateway")
            boot.routes { ProductRoutes(store: Store(database)).register(&$0) }
        }
    }
}
