internal import Messaging
internal import Postgres

/// The schema's history, in order; compiled in from the Migrations folder.
enum Migrations {
    static let all = [
        Migration(
            name: "v0001_create_products",
            sql: PackageResources.v0001_create_products_sql
        ),
        Migration(name: "v0002_create_stock", sql: PackageResources.v0002_create_stock_sql),
        Migration(
            name: "v0003_create_reservations",
            sql: PackageResources.v0003_create_reservations_sql
        ),
        Migration(
            name: "v0004_create_stock_functions",
            sql: PackageResources.v0004_create_stock_functions_sql
        ),
        Migration(name: "v0005_reserve_many", sql: PackageResources.v0005_reserve_many_sql),
        MessagingMigrations.outbox,
        MessagingMigrations.outboxDays,
    ]
}
