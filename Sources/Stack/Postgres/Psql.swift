/// Runs SQL as the superuser through psql: no pool, no loop, and no password in any argument list.
struct Psql {
    let layout: Layout
    let programs: String
    let port: UInt16

    init(_ layout: Layout, _ server: StackState.Server) {
        self.layout = layout
        programs = server.programs
        port = server.port
    }

    /// Starts the script; results come as CSV with a header line.
    func start(_ script: String, database: String) throws(StackError) -> Tool {
        try Tool(
            Launch(
                executable: "\(programs)/psql",
                arguments: ["--no-psqlrc", "--quiet", "--no-password", "--csv", "--file=-"],
                environment: [
                    "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                    "PGHOST": "127.0.0.1", "PGPORT": "\(port)", "PGUSER": "postgres",
                    "PGDATABASE": database, "PGPASSFILE": layout.passwordFile,
                    "PGCONNECT_TIMEOUT": "3", "PGAPPNAME": "stack",
                ]
            ),
            input: script,
            scratch: layout.secrets
        )
    }

    /// Runs the script to its end; the first error ends it.
    @discardableResult
    func run(
        _ script: String,
        database: String,
        within limit: Duration = .seconds(30)
    ) throws(StackError) -> String {
        let outcome = try start("\\set ON_ERROR_STOP on\n" + script, database: database)
            .finish(within: limit)
        guard outcome.succeeded else {
            throw .unavailable("PostgreSQL (database \(database)): \(outcome.complaint)")
        }
        return outcome.output
    }
}
