public import Postgres

/// The tables and functions that sagas need; a service lists them among its own.
public enum SagaMigrations {
    /// All of them, in the order they came to be.
    public static let all = [pending, kinds, endMany, trace]

    /// Sagas in flight, and their history.
    public static let pending = Migration(
        name: "sagas_v0001_create_saga_pending",
        sql: PackageResources.v0001_create_saga_pending_sql
    )

    /// Several sagas about one thing, each of a version.
    public static let kinds = Migration(
        name: "sagas_v0002_allow_several_kinds",
        sql: PackageResources.v0002_allow_several_kinds_sql
    )

    /// Ends many sagas in one statement.
    public static let endMany = Migration(
        name: "sagas_v0003_end_many_sagas",
        sql: PackageResources.v0003_end_many_sagas_sql
    )

    /// Which trace a saga belongs to.
    public static let trace = Migration(
        name: "sagas_v0004_keep_the_trace",
        sql: PackageResources.v0004_keep_the_trace_sql
    )
}
