internal import Reactor

extension Database {
    /// Brings the schema up to date: runs what has not run yet, each in a transaction of its own.
    ///
    /// Any number of processes may do this at once; an advisory lock lets one through at a time, and
    /// each script runs once. The limits of statements and locks do not apply to scripts.
    ///
    /// - Parameter limit: how long all of it may take, waiting for other processes included.
    public func migrate(
        _ migrations: [Migration],
        within limit: Duration = .seconds(60)
    ) async throws(MigrationError) {
        let deadline = Deadline.after(limit)
        let pool = pool()
        while try await step(migrations, pool, until: deadline) {}
    }

    /// Runs the next migration; false when there is none.
    private func step(
        _ migrations: [Migration],
        _ pool: LoopPool,
        until deadline: Deadline
    ) async throws(MigrationError) -> Bool {
        try await onLoop(pool.loop) { () async throws(MigrationError) in
            let connection = try await naming(nil) { () async throws(DatabaseError) in
                try await pool.lease(until: deadline)
            }
            let migrator = Migrator(
                connection: connection,
                migrations: migrations,
                deadline: deadline
            )
            do throws(MigrationError) {
                let didRun = try await migrator.step()
                pool.release(connection)
                return didRun
            } catch {
                migrator.rollBack()
                pool.release(connection)
                throw error
            }
        }
    }
}

/// Turns a database error into that of a migration.
private func naming<T>(
    _ name: String?,
    _ body: () async throws(DatabaseError) -> T
) async throws(MigrationError) -> T {
    do throws(DatabaseError) {
        return try await body()
    } catch {
        throw .failed(name: name, error)
    }
}

/// One step on one leased connection.
private struct Migrator {
    let connection: Connection
    let migrations: [Migration]
    let deadline: Deadline

    /// The lock goes before the table: CREATE TABLE IF NOT EXISTS alone races with itself.
    ///
    /// Its key is an arbitrary number that nothing else here uses.
    private static let open = """
        BEGIN;
        SET LOCAL statement_timeout = 0;
        SET LOCAL lock_timeout = 0;
        SELECT pg_advisory_xact_lock(7215410032917541);
        CREATE TABLE IF NOT EXISTS schema_migrations (
            position integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL UNIQUE,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        """

    func step() async throws(MigrationError) -> Bool {
        try await run(Self.open, nil)
        let applied = try await applied()
        guard let next = try MigrationPlan.next(of: migrations, after: applied) else {
            try await run("COMMIT", nil)
            return false
        }
        try await run(next.sql, next.name)
        try await perform(RecordMigration(migration: next), next.name)
        try await run("COMMIT", next.name)
        return true
    }

    func rollBack() {
        connection.perform(
            unattended: .init(prelude: ["ROLLBACK"], deadline: .never, commitment: .rollsBack)
        )
    }

    private func applied() async throws(MigrationError) -> [AppliedMigration] {
        let results = try await perform(ListMigrations(wanted: migrations), nil)
        return try await naming(nil) { () async throws(DatabaseError) in
            try results.first?.rows(of: ListMigrations.self) ?? []
        }
    }

    private func run(_ script: String, _ name: String?) async throws(MigrationError) {
        try await naming(name) { () async throws(DatabaseError) in
            try await connection.perform(script: script, until: deadline)
        }
    }

    @discardableResult
    private func perform<S: Statement>(
        _ statement: S,
        _ name: String?
    ) async throws(MigrationError) -> [ResultSet] {
        let segment = Connection.Segment(
            statements: [BoundStatement(statement)],
            deadline: deadline,
            commitment: .rollsBack
        )
        return try await naming(name) { () async throws(DatabaseError) in
            try await connection.perform(segment)
        }
    }
}

/// Lists what has run, and whether each script is still the one known here.
struct ListMigrations: Statement {
    static let sql = """
        SELECT applied.name,
            coalesce(applied.checksum = encode(sha256(convert_to(wanted.sql, 'UTF8')), 'hex'), true)
        FROM schema_migrations AS applied
        LEFT JOIN unnest($1, $2) AS wanted (name, sql) ON wanted.name = applied.name
        ORDER BY applied.position
        """
    let wanted: [Migration]

    func bind(_ parameters: inout Parameters) {
        parameters.append(wanted.map(\.name), wanted.map(\.sql))
    }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> AppliedMigration {
        AppliedMigration(name: try row[0], isUnchanged: try row[1])
    }
}

/// Records that a script has run.
struct RecordMigration: Statement {
    static let sql = """
        INSERT INTO schema_migrations (name, checksum)
        VALUES ($1, encode(sha256(convert_to($2, 'UTF8')), 'hex'))
        """
    let migration: Migration

    func bind(_ parameters: inout Parameters) {
        parameters.append(migration.name, migration.sql)
    }
}
