/// One thing that must hold over the data of all services, whatever was killed meanwhile.
///
/// An invariant is data: SQL for each database it needs, and a comparison of what came back. Each
/// statement reads either one row of named figures or one column of keys.
struct Invariant: Sendable {
    /// A few words, as `verify` prints them.
    let name: String
    /// What to read, per database.
    let reads: [ServiceName: String]
    /// Compares what was read.
    let holds: @Sendable (Evidence) -> Verdict
}

/// Whether an invariant holds, and the figures that show it.
struct Verdict: Equatable, Sendable {
    var holds: Bool
    var figures: String

    init(_ holds: Bool, _ figures: String) {
        self.holds = holds
        self.figures = figures
    }
}

/// What the databases answered to one invariant.
struct Evidence: Equatable, Sendable {
    /// Rows by database; each row is its column names and values.
    var tables: [ServiceName: CSVTable]

    /// A figure of the first row; 0 for an empty answer, as of a sum over nothing.
    func figure(_ service: ServiceName, _ column: String) -> Int {
        guard let table = tables[service], let index = table.columns.firstIndex(of: column),
            let row = table.rows.first, index < row.count
        else { return 0 }
        return Int(row[index]) ?? 0
    }

    /// All rows of a database, each joined to one key.
    func keys(_ service: ServiceName) -> Set<String> {
        Set((tables[service]?.rows ?? []).map { $0.joined(separator: " ") })
    }
}

/// psql's CSV: one line of names, then rows.
///
/// Our values are numbers, ids and words, never quoted.
struct CSVTable: Equatable, Sendable {
    var columns: [String]
    var rows: [[String]]

    init(columns: [String], rows: [[String]]) {
        self.columns = columns
        self.rows = rows
    }

    /// Nil for no header line, which means that the statement failed.
    init?(lines: [Substring]) {
        guard let header = lines.first else { return nil }
        columns = header.split(separator: ",").map(String.init)
        rows = lines.dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
