internal import CPostgres
internal import Reactor

/// What libpq reads from a `postgres://` URL or a `key=value` string, with our defaults added.
///
/// It holds the password: it has no description, and what leaves it for an error is redacted.
struct DatabaseURL: Sendable {
    /// Looks a host's addresses up, up to a deadline.
    typealias Resolver =
        @Sendable (
            _ host: String, _ deadline: Deadline
        ) async throws(SocketError) -> [SocketAddress]

    private(set) var values: [String: String] = [:]

    /// Parses the URL; nil when libpq cannot read it.
    ///
    /// The reason is withheld: it can quote secrets.
    init?(_ url: String) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(url, &message) else {
            unsafe PQfreemem(message)
            return nil
        }
        defer { unsafe PQconninfoFree(options) }
        var option = unsafe options
        // The list ends with an entry without a keyword.
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                values[unsafe String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
    }

    /// Adds what keeps a session bounded: a limit for each statement, for the wait for a lock and for
    /// silence inside a transaction, and probes for dead peers.
    ///
    /// A transaction that stays open holds back whatever waits for the oldest one to end: other
    /// services' feeds and vacuum. Ours send their next statement at once, so one that is silent for
    /// twice a statement's time has lost its owner.
    mutating func addDefaults(statementTimeout: Duration, settings: [String: String] = [:]) {
        let limit = max(1, statementTimeout.wholeMilliseconds)
        let limits = [
            "-c statement_timeout=\(limit)", "-c lock_timeout=\(max(1, limit * 4 / 5))",
            "-c idle_in_transaction_session_timeout=\(limit * 2)",
        ]
        let others = settings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }
        values["options"] = (limits + others + [values["options"]].compactMap(\.self))
            .joined(separator: " ")
        values["client_encoding"] = "UTF8"
        let defaults = [
            "application_name": "anyway", "tcp_user_timeout": "10000", "keepalives_idle": "30",
            "keepalives_interval": "5", "keepalives_count": "3",
        ]
        values.merge(defaults) { given, _ in given }
    }

    /// The host names that only a resolver knows; libpq would block on them.
    var unresolvedHosts: [String] {
        guard values["hostaddr"] == nil else { return [] }
        return hosts.filter { host in
            !host.isEmpty && !host.hasPrefix("/") && !host.hasPrefix("@") && host != "localhost"
                && (try? SocketAddress(literal: host, port: 0)) == nil
        }
    }

    /// Looks the names up, so that libpq gets addresses alone.
    ///
    /// - Throws: `.unavailable` when one has no address, or none by the deadline.
    func resolved(
        until deadline: Deadline,
        by resolve: Resolver = { (host, deadline) async throws(SocketError) in
            try await SocketAddress.resolve(host: host, port: 0, until: deadline)
        }
    ) async throws(DatabaseError) -> DatabaseURL {
        guard !unresolvedHosts.isEmpty else { return self }
        var names: [String] = []
        var addresses: [String] = []
        var ports: [String] = []
        let given = (values["port"] ?? "5432").split(separator: ",").map(String.init)
        for (index, host) in hosts.enumerated() {
            let port = index < given.count ? given[index] : given.last ?? "5432"
            for address in try await Self.addresses(of: host, until: deadline, resolve) {
                names.append(host)
                addresses.append(address)
                ports.append(port)
            }
        }
        var copy = self
        copy.values["host"] = names.joined(separator: ",")
        copy.values["hostaddr"] = addresses.joined(separator: ",")
        copy.values["port"] = ports.joined(separator: ",")
        return copy
    }

    private static func addresses(
        of host: String,
        until deadline: Deadline,
        _ resolve: Resolver
    ) async throws(DatabaseError) -> [String] {
        do throws(SocketError) {
            return try await resolve(host, deadline).map(\.hostText)
        } catch {
            let isLate = error == .timedOut ? " in time" : ""
            throw .unavailable("cannot resolve the database's host name \(host)\(isLate)")
        }
    }

    private var hosts: [String] {
        (values["host"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// A message of libpq without the password, in one line.
    func redact(_ message: String) -> String {
        var line = message.split(whereSeparator: \.isNewline).joined(separator: "; ")
        if let password = values["password"], !password.isEmpty {
            line = line.split(separator: password, omittingEmptySubsequences: false)
                .joined(separator: "***")
        }
        return line
    }
}
