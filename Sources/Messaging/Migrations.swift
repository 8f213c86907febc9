public import Postgres

/// The tables that publishing and consuming need; a service lists those it uses among its own.
public enum MessagingMigrations {
    /// What has happened, for a service that publishes.
    public static let outbox = Migration(
        name: "messaging_v0001_create_outbox",
        sql: PackageResources.v0001_create_outbox_sql
    )
    /// How far others' feeds were followed, for a service that consumes.
    public static let cursors = Migration(
        name: "messaging_v0002_create_consumer_cursors",
        sql: PackageResources.v0002_create_consumer_cursors_sql
    )
}
