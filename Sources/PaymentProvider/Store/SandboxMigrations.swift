internal import Postgres

/// The sandbox's schema, oldest change first.
enum SandboxMigrations {
    static let all = [
        Migration(name: "v0001_create_sandbox", sql: PackageResources.v0001_create_sandbox_sql)
    ]
}
