import Glibc
import Reactor
import Synchronization

/// A private PostgreSQL server on a free port of 127.0.0.1, gone with the process that started it.
///
/// Made from the system's binaries in a temporary directory. A supervising shell waits for the end
/// of a pipe that only this process holds: however this process ends, the shell stops the server by
/// its pid and removes the directory.
public final class PostgresServer: Sendable {
    /// The directory of the data, the socket and the logs.
    public let directory: String
    /// The port on 127.0.0.1.
    public let port: UInt16
    private let binaries: String
    private let supervisor = Mutex<Spawn?>(nil)
    private let count = Atomic<Int>(0)

    /// The process's common server; the first call starts it, within 30 seconds.
    public static func shared() async throws -> PostgresServer {
        try await common.value
    }

    private static let common = Task { try await PostgresServer.start() }

    /// Starts a server that a test may stop and break.
    public static func start() async throws -> PostgresServer {
        try await blocking {
            let server = try PostgresServer()
            try server.launch()
            return server
        }
    }

    /// Makes an empty database and returns its URL.
    public func freshDatabase(_ prefix: String = "test") async throws -> String {
        let name = "\(prefix)_\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
        try await Self.blocking { [self] in
            let address = ["-h", "127.0.0.1", "-p", "\(port)", "-U", "anyway"]
            try Spawn.run(["\(binaries)/createdb"] + address + [name], output: log("createdb"))
        }
        return url(of: name)
    }

    /// The URL of a database on this server.
    public func url(of database: String) -> String {
        "postgres://anyway@127.0.0.1:\(port)/\(database)"
    }

    /// The same database through the server's socket in the file system.
    public func socketURL(_ url: String) -> String {
        let database = url.split(separator: "/").last.map(String.init) ?? "postgres"
        return "host=\(directory) port=\(port) user=anyway dbname=\(database)"
    }

    /// Ends the server like a crash: connections break, nothing is flushed, recovery comes next.
    public func crash() async throws {
        try await Self.blocking { [self] in try end() }
    }

    /// Starts the server again after `crash`.
    public func restart() async throws {
        try await Self.blocking { [self] in try launch() }
    }

    /// Ends the server and removes its directory now, rather than with the process.
    public func stop() async throws {
        try await crash()
        try await Self.blocking { [self] in
            try Spawn.run(["/bin/rm", "-rf", directory], output: "/dev/null")
        }
    }

    // MARK: Making

    private init() throws {
        guard let binaries = Self.findBinaries() else {
            throw Spawn.Failure(description: "no PostgreSQL found in /usr/lib/postgresql/*/bin")
        }
        self.binaries = binaries
        self.port = try Self.freePort()
        var template = Array("/tmp/anyway-postgres-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Spawn.Failure(description: "mkdtemp: \(errno)")
        }
        self.directory = String(cString: made)
        if let owner = Self.owner { chown(directory, owner.uid, owner.gid) }
        try Spawn.run(
            Self.asOwner([
                "\(binaries)/initdb", "-D", "\(directory)/data", "-U", "anyway", "-A", "trust",
                "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ]),
            output: log("initdb")
        )
    }

    private func launch() throws {
        let server = Self.asOwner([
            "\(binaries)/postgres", "-D", "\(directory)/data", "-k", directory, "-p", "\(port)",
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off",
            "-c", "shared_buffers=64MB", "-c", "max_connections=200", "-c",
            "deadlock_timeout=100ms",
        ])
        // A line means "crash and keep the directory"; the end of the pipe means "all is over".
        let script = """
            directory=$1; shift
            "$@" < /dev/null & server=$!
            if read line; then kill -QUIT $server; wait $server; exit 0; fi
            kill -QUIT $server; wait $server; rm -rf "$directory"
            """
        let spawn = try Spawn(
            ["/bin/sh", "-c", script, "postgres-supervisor", directory] + server,
            output: log("server"),
            pipedInput: true
        )
        supervisor.withLock { $0 = spawn }
        let deadline = Deadline.after(.seconds(30))
        let probe = ["\(binaries)/pg_isready", "-q", "-h", "127.0.0.1", "-p", "\(port)"]
        while try Spawn(probe, output: log("probe")).wait() != 0 {
            guard !deadline.hasPassed else {
                throw Spawn.Failure(description: "no server in 30 s\n\(Spawn.read(log("server")))")
            }
            usleep(20_000)
        }
    }

    private func end() throws {
        guard let spawn = supervisor.withLock({ $0.take() }), let input = spawn.input else {
            return
        }
        _ = write(input, "\n", 1)
        _ = spawn.wait()
        close(input)
    }

    private func log(_ name: String) -> String { "\(directory)/\(name).log" }

    // MARK: The machine

    /// initdb and postgres refuse to run as root.
    private static let owner: (uid: uid_t, gid: gid_t)? = {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return (entry.pointee.pw_uid, entry.pointee.pw_gid) }
        }
        return nil
    }()

    private static func asOwner(_ command: [String]) -> [String] {
        guard let owner else { return command }
        let identity = ["--reuid", "\(owner.uid)", "--regid", "\(owner.gid)", "--init-groups"]
        return ["setpriv"] + identity + command
    }

    /// The newest version that is installed.
    private static func findBinaries() -> String? {
        guard let folder = opendir("/usr/lib/postgresql") else { return nil }
        defer { closedir(folder) }
        var versions: [Int] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let version = Int(name) { versions.append(version) }
        }
        return versions.sorted(by: >).lazy.map { "/usr/lib/postgresql/\($0)/bin" }
            .first { access("\($0)/initdb", X_OK) == 0 && access("\($0)/postgres", X_OK) == 0 }
    }

    private static func freePort() throws -> UInt16 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw Spawn.Failure(description: "socket: \(errno)") }
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound else { throw Spawn.Failure(description: "bind: \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Waiting for children blocks, so it does not happen on a thread of Swift's pool.
    private static func blocking<T: Sendable>(
        _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await pool.run { Result { try work() } }.get()
    }

    /// Not the shared pool, which the code under test needs at once.
    private static let pool = BlockingPool(name: "harness", maxThreads: 2, maxQueued: 1024)
}
