internal import FoundationEssentials

/// Where the databases of a stack are that is not this machine's: one URL for each, in a file of lines
/// as `stack env` prints them, such as `ORDER_DATABASE_URL=postgres://oracle:secret@host:5432/order`.
struct DatabaseAddresses: Equatable {
    var urls: [ServiceName: String] = [:]

    init() {}

    /// Reads the file.
    ///
    /// - Throws: when it cannot be read, or an address is missing or is none.
    init(file: String) throws(StackError) {
        guard let text = Files.text(file) else {
            throw .usage("--databases \(file): the file cannot be read")
        }
        try self.init(text, named: file)
    }

    init(_ text: String, named name: String) throws(StackError) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            let name = parts.first.map(String.init)
            guard let service = ServiceName.allCases.first(where: { $0.variable == name })
            else { continue }
            urls[service] = parts.count == 2 ? String(parts[1]) : ""
        }
        for service in ServiceName.allCases where service.hasDatabase {
            guard urls[service] != nil else {
                throw .usage("\(name) does not say \(service.variable)")
            }
            _ = try variables(service.rawValue)
        }
    }

    /// The file's text.
    var text: String {
        urls.sorted { $0.key < $1.key }.map { "\($0.key.variable)=\($0.value)\n" }.joined()
    }

    /// What psql is told about a database; the address's password reaches no argument list.
    func variables(_ database: String) throws(StackError) -> [String: String] {
        let service = ServiceName(rawValue: database)
        guard let service, let url = URL(string: urls[service] ?? ""),
            ["postgres", "postgresql"].contains(url.scheme), let host = url.host(),
            let user = url.user(percentEncoded: false), url.path().count > 1
        else {
            throw .usage(
                "\(service?.variable ?? database) is no postgres://USER:PASSWORD@HOST:PORT/NAME"
            )
        }
        var variables = [
            "PGHOST": host, "PGPORT": "\(url.port ?? 5432)", "PGUSER": user,
            "PGDATABASE": String(url.path(percentEncoded: false).dropFirst()),
        ]
        variables["PGPASSWORD"] = url.password(percentEncoded: false)
        return variables
    }
}

extension ServiceName {
    /// The variable that `stack env` prints the database's address as.
    var variable: String { "\(rawValue.uppercased())_DATABASE_URL" }
}
