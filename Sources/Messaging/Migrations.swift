public import Postgres

/// The tables that publishing and consuming need; a service lists those it uses among its own.
public enum MessagingMigrations {
    /// What has happened, for a service that publishes; `outboxDays` belongs with it.
    public static let outbox = Migration(
        name: "messaging_v0001_create_outbox",
        sql: PackageResources.v0001_create_outbox_sql
    )
    /// How far others' feeds were followed, for a service that consumes; `parkedEvents` belongs with it.
    public static let cursors = Migration(
        name: "messaging_v0002_create_consumer_cursors",
        sql: PackageResources.v0002_create_consumer_cursors_sql
    )
    /// Cuts the outbox into days.
    public static let outboxDays = Migration(
        name: "messaging_v0003_partition_outbox",
        sql: PackageResources.v0003_partition_outbox_sql
    )
    /// What a consumer could not apply.
    public static let parkedEvents = Migration(
        name: "messaging_v0004_create_parked_events",
        sql: PackageResources.v0004_create_parked_events_sql
    )
}
