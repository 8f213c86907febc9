internal import Launching

/// Runs SQL through psql: no pool, no loop, and no password in any argument list.
struct Psql {
    /// How psql is told where a database is, by environment variables.
    typealias Connection = @Sendable (_ database: String) throws(StackError) -> [String: String]

    /// The folder of psql.
    let programs: String
    /// A folder only we can read.
    let scratch: String
    private let connection: Connection

    /// Reads every database of a stack on this machine, as its superuser.
    init(_ layout: Layout, _ server: StackState.Server) {
        programs = server.programs
        scratch = layout.secrets
        connection = { database throws(StackError) in
            [
                "PGHOST": "127.0.0.1", "PGPORT": "\(server.port)", "PGUSER": "postgres",
                "PGDATABASE": database, "PGPASSFILE": layout.passwordFile,
            ]
        }
    }

    /// Reads databases wherever they are.
    init(_ addresses: DatabaseAddresses, programs: PostgresPrograms) {
        self.programs = programs.folder
        scratch = SystemCall.variable("TMPDIR") ?? "/tmp"
        connection = { database throws(StackError) in try addresses.variables(database) }
    }

    /// Starts the script; results come as CSV with a header line.
    func start(_ script: String, database: String) throws(StackError) -> Tool {
        var environment = try connection(database)
        environment["PATH"] = "/usr/bin:/bin"
        environment["LC_ALL"] = "C.UTF-8"
        environment["PGCONNECT_TIMEOUT"] = "3"
        environment["PGAPPNAME"] = "stack"
        return try Tool(
            Launch(
                executable: "\(programs)/psql",
                arguments: ["--no-psqlrc", "--quiet", "--no-password", "--csv", "--file=-"],
                environment: environment
            ),
            input: script,
            scratch: scratch
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
