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
        Migration(
            name: "v0002_rename_parked_events",
            sql: PackageResources.v0002_rename_parked_events_sql
        ),
        MessagingMigrations.parkedEvents,
        Migration(
            name: "v0003_move_parked_events",
            sql: PackageResources.v0003_move_parked_events_sql
        ),
        Migration(name: "v0004_tell_in_order", sql: PackageResources.v0004_tell_in_order_sql),
    ]
}
