internal import Postgres

/// The sandbox's schema, oldest change first.
enum SandboxMigrations {
    static let all = [
        Migration(name: "v0001_create_sandbox", sql: PackageResources.v0001_create_sandbox_sql),
        Migration(
            name: "v0002_index_by_creation",
            sql: PackageResources.v0002_index_by_creation_sql
        ),
    ]
}
