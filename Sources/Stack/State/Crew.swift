internal import Glibc
internal import Launching

/// Starts and stops the processes on record.
///
/// Every start is on record before anything else happens.
struct Crew {
    let layout: Layout

    /// Starts one service process; its peers find it where it always was.
    func start(_ member: inout StackState.Member) throws(StackError) {
        let launch = Launch(
            executable: member.plan.executable,
            environment: member.plan.environment,
            output: .append(path: layout.log(member.plan.name.description))
        )
        let pid = try launch.begin()
        guard let process = ProcessIdentity(of: pid) else {
            // It ended before we could look; the log says why, and health waiting will report it.
            member.run.began(ProcessIdentity(pid: pid, startTicks: 0))
            return
        }
        member.run.began(process)
    }

    /// Starts PostgreSQL again after a kill and waits until it takes connections.
    func startServer(_ server: inout StackState.Server) throws(StackError) {
        let cluster = Cluster(
            layout: layout,
            programs: PostgresPrograms(folder: server.programs),
            owner: try ClusterOwner.choose(),
            home: server.home
        )
        // Backends of a killed server hold its shared memory until they notice, and one that waits for
        // a lock of another that was killed never does.
        for orphan in Cluster.orphans(home: server.home) { orphan.send(SIGKILL) }
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let process = try cluster.start(
                port: server.port,
                environment: server.environment ?? [:]
            )
            server.run.began(process)
            do {
                try cluster.waitUntilReady(process, within: .seconds(60))
                return
            } catch {
                if case .interrupted = error { throw error }
                guard ContinuousClock.now < end, !process.isAlive else { throw error }
                try Interrupts.pause(.milliseconds(200))
                server.run.restarts -= 1
            }
        }
    }

    /// Stops everything on record: the front door first, then the services, then PostgreSQL.
    ///
    /// Never throws and takes bounded time: this is the way down.
    func stopAll(_ state: StackState, strays: [ProcessIdentity] = []) {
        let isCurrent = state.bootID == ProcessTable.bootID()
        let members = isCurrent ? state.members : []
        let front = members.filter { $0.plan.name.service == .gateway }.compactMap(\.run.process)
        let others = members.filter { $0.plan.name.service != .gateway }.compactMap(\.run.process)
        Crew.stop(front, grace: .seconds(5))
        Crew.stop(others + strays, grace: .seconds(10))
        var servers = isCurrent ? [state.server.run.process].compactMap { $0 } : []
        if let stray = Cluster.stray(home: state.server.home), !servers.contains(stray) {
            servers.append(stray)
        }
        for server in servers { Crew.stopServer(server) }
    }

    /// SIGTERM, a bounded wait, SIGKILL.
    ///
    /// A paused process is woken to hear it.
    static func stop(_ processes: [ProcessIdentity], grace: Duration) {
        for process in processes {
            process.send(SIGTERM)
            process.send(SIGCONT)
        }
        if wait(for: processes, grace) { return }
        for process in processes { process.send(SIGKILL) }
        _ = wait(for: processes, .seconds(3))
    }

    /// PostgreSQL's fast shutdown, then its immediate one, then SIGKILL.
    static func stopServer(_ server: ProcessIdentity) {
        wake(server)
        for (signal, patience) in [(SIGINT, Duration.seconds(15)), (SIGQUIT, .seconds(5))] {
            server.send(signal)
            if wait(for: [server], patience) { return }
        }
        killServer(server)
    }

    /// Ends the server and its backends at once, as a power cut would.
    static func killServer(_ server: ProcessIdentity) {
        let backends = server.children
        server.send(SIGKILL)
        for backend in backends { backend.send(SIGKILL) }
        _ = wait(for: [server] + backends, .seconds(3))
    }

    /// Freezes the server with its backends, which lead sessions of their own.
    static func freeze(_ server: ProcessIdentity) {
        server.send(SIGSTOP)
        for backend in server.children { backend.send(SIGSTOP) }
    }

    /// Undoes freeze.
    static func wake(_ server: ProcessIdentity) {
        for backend in server.children { backend.send(SIGCONT) }
        server.send(SIGCONT)
    }

    /// Whether all ended in time.
    static func wait(for processes: [ProcessIdentity], _ limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while true {
            Reaper.reap(processes)
            if !processes.contains(where: \.isAlive) { return true }
            if ContinuousClock.now >= end { return false }
            Interrupts.rest(.milliseconds(10))
        }
    }
}
