internal import Glibc

/// The folder that holds initdb, postgres and psql of one PostgreSQL version.
struct PostgresPrograms: Equatable {
    let folder: String

    var initdb: String { "\(folder)/initdb" }
    var postgres: String { "\(folder)/postgres" }
    var psql: String { "\(folder)/psql" }

    /// Finds the newest PostgreSQL, or the one whose data is already there.
    ///
    /// Debian keeps the server programs out of PATH, one folder per major version.
    static func find(
        major: String?,
        debian: String = "/usr/lib/postgresql",
        path: String = SystemCall.variable("PATH") ?? ""
    ) throws(StackError) -> PostgresPrograms {
        let versions = Files.names(in: debian).filter { Int($0) != nil }
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        if let major {
            let match = PostgresPrograms(folder: "\(debian)/\(major)/bin")
            if match.isWhole { return match }
        }
        let packaged = major == nil ? versions.map { "\(debian)/\($0)/bin" } : []
        let folders = packaged + path.split(separator: ":").map(String.init)
        for folder in folders {
            let candidate = PostgresPrograms(folder: folder)
            if candidate.isWhole { return candidate }
        }
        if let major {
            throw .unavailable(
                "the data was made by PostgreSQL \(major), which is not installed: apt-get install postgresql-\(major)"
            )
        }
        throw .unavailable(
            "PostgreSQL is not installed: run make deps, or apt-get install postgresql"
        )
    }

    private var isWhole: Bool {
        [initdb, postgres, psql].allSatisfy(Files.isExecutable)
    }
}
