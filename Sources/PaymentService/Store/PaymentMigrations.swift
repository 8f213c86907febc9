internal import Messaging
internal import Postgres

/// The payment service's schema, oldest change first.
enum PaymentMigrations {
    static let all = [
        Migration(
            name: "v0001_create_payments",
            sql: PackageResources.v0001_create_payments_sql
        ),
        Migration(name: "v0002_create_ledger", sql: PackageResources.v0002_create_ledger_sql),
        Migration(
            name: "v0003_create_reconciliation",
            sql: PackageResources.v0003_create_reconciliation_sql
        ),
        MessagingMigrations.outbox,
        MessagingMigrations.outboxDays,
    ]
}
