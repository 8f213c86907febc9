internal import Glibc
internal import Launching

/// The private PostgreSQL of one stack: how it is made, started and told to stop.
struct Cluster {
    let layout: Layout
    let programs: PostgresPrograms
    let owner: ClusterOwner
    /// The folder that only the owner enters; `data` is below it.
    let home: String

    var data: String { "\(home)/data" }
    var access: String { "\(home)/access.conf" }

    /// The major version that made the data; nil before the first start.
    static func major(home: String) -> String? {
        Files.text("\(home)/data/PG_VERSION")?.trimmingSuffix("\n")
    }

    /// Decides where the cluster lives: in DATA, or under /var/tmp when its user cannot get there.
    static func home(
        _ layout: Layout,
        owner: ClusterOwner,
        remembered: String?
    ) throws(StackError) -> String {
        let candidates = [layout.postgres, fallbackHome(layout)]
        if let remembered, candidates.contains(remembered), major(home: remembered) != nil {
            return remembered
        }
        if try owner.makeHome(candidates[0], scratch: layout.secrets) { return candidates[0] }
        unsafe rmdir(candidates[0])
        guard try owner.makeHome(candidates[1], scratch: layout.secrets) else {
            throw .unavailable("user \(owner.name) can enter neither \(candidates[0]) nor /var/tmp")
        }
        Terminal.note(
            "user \(owner.name) cannot enter \(layout.root): PostgreSQL's files are in \(candidates[1])"
        )
        return candidates[1]
    }

    /// The place under /var/tmp for a data folder, the same each time (FNV-1a of its path).
    static func fallbackHome(_ layout: Layout) -> String {
        let hash = layout.root.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return "/var/tmp/anyway-" + String(hash, radix: 16)
    }

    /// Starts initdb; nil when the cluster is there already.
    func initialise(password: String) throws(StackError) -> Tool? {
        if Cluster.major(home: home) != nil { return nil }
        let passwordFile = "\(home)/password"
        try owner.write(password + "\n", to: passwordFile, scratch: layout.secrets)
        return try Tool(
            owner.launch(
                programs.initdb,
                [
                    "--no-sync", "--no-instructions", "--pgdata=\(data)", "--username=postgres",
                    "--auth=scram-sha-256", "--pwfile=\(passwordFile)", "--encoding=UTF8",
                    "--locale=C.UTF-8",
                ]
            ),
            scratch: layout.secrets
        )
    }

    /// Waits for initdb and writes who may connect.
    func finishInitialising(_ tool: Tool) throws(StackError) {
        let outcome = try tool.finish(within: .seconds(60))
        guard outcome.succeeded else {
            throw .unavailable("initdb failed: \(outcome.complaint)")
        }
        try owner.write(Cluster.accessRules, to: access, scratch: layout.secrets)
        // The password served; overwrite it rather than leave it lying there.
        try owner.write("", to: "\(home)/password", scratch: layout.secrets)
    }

    /// A role reaches the database of its own name and nothing else; the superuser reaches all.
    static let accessRules = """
        # TYPE  DATABASE  USER      ADDRESS       METHOD
        host    all       postgres  127.0.0.1/32  scram-sha-256
        host    sameuser  all       127.0.0.1/32  scram-sha-256

        """

    /// Settings for a laptop: small, loopback only, and every commit on disk before it is answered.
    static func settings(port: UInt16, access: String) -> [String] {
        [
            "hba_file=\(access)", "listen_addresses=127.0.0.1", "port=\(port)",
            // No socket in the file system at all: nothing to find, nothing to clean up.
            "unix_socket_directories=", "password_encryption=scram-sha-256",
            "fsync=on", "synchronous_commit=on", "full_page_writes=on",
            // After a kill: one call for the file system instead of one per file of six databases.
            "recovery_init_sync_method=syncfs",
            "max_connections=120", "shared_buffers=32MB", "work_mem=4MB",
            "maintenance_work_mem=32MB", "effective_cache_size=256MB", "jit=off", "huge_pages=off",
            "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0",
            "max_worker_processes=2", "max_logical_replication_workers=0", "max_wal_senders=0",
            "autovacuum_max_workers=2", "max_wal_size=512MB", "wal_compression=on",
            "log_timezone=UTC", "timezone=UTC", "log_line_prefix=%m [%p] %q%u@%d ",
        ]
    }

    /// Forgets a killed server that nobody has reaped.
    ///
    /// As a zombie its pid still exists, and the new server would take it for a running one. What
    /// keeps two servers apart is the key of their shared memory, which stays.
    private func forgetZombie() {
        let path = "\(data)/postmaster.pid"
        guard let pid = Cluster.pid(file: Files.text(path)), let facts = ProcessFacts(pid: pid),
            !facts.isAlive
        else { return }
        unsafe unlink(path)
    }

    /// Starts the server; it is not ready yet.
    ///
    /// After a SIGKILL its backends may take a moment to notice: the caller retries.
    func start(
        port: UInt16,
        environment: [String: String] = [:]
    ) throws(StackError) -> ProcessIdentity {
        forgetZombie()
        var launch = owner.launch(
            programs.postgres,
            ["-D", data]
                + Cluster.settings(port: port, access: access).flatMap { ["-c", $0] }
        )
        launch.output = .append(path: layout.log("postgres"))
        launch.environment.merge(environment) { _, ours in ours }
        let pid = try launch.begin()
        guard let process = ProcessIdentity(of: pid) else {
            throw .unavailable("PostgreSQL ended at once; see \(layout.log("postgres"))")
        }
        return process
    }

    /// Waits until the server takes connections (the last line of postmaster.pid says `ready`).
    func waitUntilReady(_ process: ProcessIdentity, within limit: Duration) throws(StackError) {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if Cluster.status(file: Files.text("\(data)/postmaster.pid"), pid: process.pid)
                == "ready"
            {
                return
            }
            Reaper.reap([process])
            guard process.isAlive else {
                throw .unavailable("PostgreSQL ended while starting; see \(layout.log("postgres"))")
            }
            try Interrupts.pause(.milliseconds(10))
        }
        throw .unavailable(
            "PostgreSQL was not ready within \(limit); see \(layout.log("postgres"))"
        )
    }

    /// The status line of postmaster.pid (line 8), if the file is about this pid (line 1).
    static func status(file: String?, pid: Int32) -> String? {
        let lines = (file ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 8, Int32(lines[0].trimmingSuffix(" ")) == pid else { return nil }
        return lines[7].trimmingSuffix(" ")
    }

    /// The pid in the first line of postmaster.pid.
    static func pid(file: String?) -> Int32? {
        (file ?? "").split(separator: "\n").first.flatMap { Int32($0.trimmingSuffix(" ")) }
    }

    /// What is left of a server that is gone: processes that work in the cluster's folder; none while a
    /// server runs there.
    static func orphans(home: String) -> [ProcessIdentity] {
        guard stray(home: home) == nil else { return [] }
        return ProcessTable.all().compactMap { facts in
            guard facts.isAlive, facts.pid != getpid(),
                Files.destination(ofLink: "/proc/\(facts.pid)/cwd") == "\(home)/data"
            else { return nil }
            return ProcessIdentity(pid: facts.pid, startTicks: facts.startTicks)
        }
    }

    /// A server of this very cluster that is on nobody's record: its pid file names it and it works here.
    static func stray(home: String) -> ProcessIdentity? {
        guard let pid = pid(file: Files.text("\(home)/data/postmaster.pid")),
            Files.destination(ofLink: "/proc/\(pid)/cwd") == "\(home)/data"
        else { return nil }
        return ProcessIdentity(of: pid)
    }
}
