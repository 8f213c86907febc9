internal import Messaging
internal import Postgres

/// The schema's history, in order; new ones go to the end.
enum Migrations {
    static let all = [
        MessagingMigrations.cursors,
        Migration(
            name: "v0001_create_deliveries",
            sql: PackageResources.v0001_create_deliveries_sql
        ),
    ]
}
