internal import Messaging
internal import Postgres

/// The user database's history, oldest first.
enum Migrations {
    static let all = [
        Migration(name: "v0001_create_users", sql: PackageResources.v0001_create_users_sql),
        Migration(name: "v0002_create_sessions", sql: PackageResources.v0002_create_sessions_sql),
        Migration(
            name: "v0003_create_signing_keys",
            sql: PackageResources.v0003_create_signing_keys_sql
        ),
        MessagingMigrations.outbox,
        MessagingMigrations.outboxDays,
        Migration(
            name: "v0004_index_ended_sessions",
            sql: PackageResources.v0004_index_ended_sessions_sql
        ),
    ]
}
