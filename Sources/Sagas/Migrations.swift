public import Postgres

/// The tables and functions that sagas need; a service lists them among its own.
public enum SagaMigrations {
    /// Sagas in flight, and their history.
    public static let pending = Migration(
        name: "sagas_v0001_create_saga_pending",
        sql: PackageResources.v0001_create_saga_pending_sql
    )
    /// Ends many sagas in one statement.
    public static let endMany = Migration(
        name: "sagas_v0002_end_many_sagas",
        sql: PackageResources.v0002_end_many_sagas_sql
    )
}
