internal import Glibc
internal import Launching

/// `stack up`: from nothing to healthy, or back to nothing.
struct Up {
    let layout: Layout
    let options: UpOptions

    private var file: StateFile { StateFile(layout: layout) }

    /// Starts everything; in the foreground stays until told to stop.
    func run() throws(StackError) {
        let began = ContinuousClock.now
        let programs = try executables()
        try Files.makeFolder(layout.root)
        guard let lock = try FileLock.take(layout.upLock, wait: false) else {
            throw try alreadyUp()
        }
        defer { withExtendedLifetime(lock) {} }
        Interrupts.block()
        try endLeftovers()
        try prepareFolders()
        do {
            try start(programs, since: began)
            Up.report("all healthy", since: began)
        } catch {
            Terminal.note("stack: stopping what was started")
            tearDown()
            throw error
        }
        Greeting(layout: layout, port: options.port).print()
        if options.detach {
            try leave(lock)
        } else {
            try Attendance(layout: layout, supervise: options.supervise).stay()
        }
    }

    private static func report(_ what: String, since began: ContinuousClock.Instant) {
        Terminal.note("\(what) after \(text(ContinuousClock.now - began))")
    }

    /// A length of time as a person reads it, such as "2.41 s".
    static func text(_ duration: Duration) -> String {
        let milliseconds =
            duration.components.seconds * 1_000 + duration.components.attoseconds
            / 1_000_000_000_000_000
        let hundredths = (milliseconds + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
    }

    /// The folder with the services' programs, all of them there.
    private func executables() throws(StackError) -> String {
        let own = Files.destination(ofLink: "/proc/self/exe").flatMap(Files.parent)
        let folder = options.executables ?? own ?? "."
        for service in ServiceName.allCases
        where !Files.isExecutable("\(folder)/\(service.rawValue)") {
            throw .unavailable("\(folder)/\(service.rawValue) is missing: run make build")
        }
        return folder
    }

    private func alreadyUp() throws(StackError) -> StackError {
        let owner = try file.load()?.owner.map { " (pid \($0.pid))" } ?? ""
        return .refused(
            "a stack is already up at \(layout.root)\(owner); "
                + "use it, stop it with: stack down, or say --data DIR --port N for another"
        )
    }

    /// Ends what a killed `stack up` left behind, and only that.
    private func endLeftovers() throws(StackError) {
        guard let state = try file.load() else { return }
        if state.isUp { throw try alreadyUp() }
        let strays = ProcessTable.marked(layout.mark)
        let isCurrent = state.bootID == ProcessTable.bootID()
        let recorded = isCurrent ? state.liveServices : []
        let server = isCurrent && state.server.run.isAlive ? 1 : 0
        let count = Set(recorded + strays).count + server
        guard count > 0 || Cluster.stray(home: state.server.home) != nil else { return }
        Terminal.note("ending \(count) processes that a killed stack left behind")
        Crew(layout: layout).stopAll(state, strays: strays)
    }

    private func prepareFolders() throws(StackError) {
        try Files.makeFolder(layout.logs)
        try Files.makeFolder(layout.certificates)
        try Files.makeFolder(layout.secrets, mode: 0o700)
    }

    /// PostgreSQL and certificates side by side, then all services at once.
    private func start(
        _ programs: String,
        since began: ContinuousClock.Instant
    ) throws(StackError) {
        guard Ports.isFree(options.port) else {
            throw .refused("port \(options.port) is taken; choose another with --port")
        }
        if let port = options.httpsPort, !Ports.isFree(port) {
            throw .refused("port \(port) is taken; choose another with --https-port")
        }
        let owner = try ClusterOwner.choose()
        let known = try file.load()
        let home = try Cluster.home(layout, owner: owner, remembered: known?.server.home)
        let postgres = try PostgresPrograms.find(major: Cluster.major(home: home))
        var state = try plan(programs, postgres: postgres, home: home, known: known)
        try file.save(state)

        let secrets = Secrets(layout: layout)
        let superuser = try secrets.value("postgres-password")
        try Files.replace(layout.passwordFile, with: "*:*:*:postgres:\(superuser)\n")
        let cluster = Cluster(layout: layout, programs: postgres, owner: owner, home: home)
        if let tool = try cluster.initialise(password: superuser) {
            try Certificates(layout: layout).prepare(state.members.map(\.plan))
            try cluster.finishInitialising(tool)
        } else {
            try Certificates(layout: layout).prepare(state.members.map(\.plan))
        }
        state = try file.change { state throws(StackError) in
            try Crew(layout: layout).startServer(&state.server)
            return state
        }
        try prepareDatabases(state.server, secrets)
        Up.report("PostgreSQL ready", since: began)
        try file.change { state throws(StackError) in
            for index in state.members.indices {
                try Crew(layout: layout).start(&state.members[index])
            }
        }
        try Health(layout: layout).wait(for: try file.require().members, within: .seconds(60))
        try file.change { state throws(StackError) in state.phase = .running }
    }

    /// The state as it will be, ports chosen.
    private func plan(
        _ programs: String,
        postgres: PostgresPrograms,
        home: String,
        known: StackState?
    ) throws(StackError) -> StackState {
        var planner = Planner(
            layout: layout,
            executables: programs,
            replicas: options.replicas,
            ports: [:],
            faults: options.faults,
            extra: options.extra,
            scoped: options.scoped
        )
        var remembered = known?.remembered ?? [:]
        for member in known?.members ?? [] {
            remembered[member.plan.name.description] = member.plan.ports
        }
        let names = planner.instances()
        var old: [InstanceName: PortPair] = [:]
        for name in names { old[name] = remembered[name.description] }
        let https = options.chosenHTTPSPort()
        let ports = try Allocation.ports(
            for: names,
            gateway: options.port,
            https: https,
            remembered: old,
            postgres: known?.server.port
        )
        planner.ports = ports.services
        planner.httpsPort = https
        return StackState(
            bootID: ProcessTable.bootID(),
            owner: ProcessIdentity(of: getpid()),
            gatewayPort: options.port,
            server: .init(
                port: ports.postgres,
                home: home,
                programs: postgres.folder,
                environment: options.scoped.reduce(into: [:]) { found, variable in
                    if variable.target == .postgres { found[variable.name] = variable.value }
                }
            ),
            members: planner.plans().map { .init(plan: $0) },
            remembered: remembered
        )
    }

    private func prepareDatabases(
        _ server: StackState.Server,
        _ secrets: Secrets
    ) throws(StackError) {
        var passwords: [(service: ServiceName, password: String)] = []
        for service in ServiceName.allCases where service.hasDatabase {
            let password = try secrets.value("\(service.rawValue)-database-password")
            passwords.append((service, password))
            try Files.replace(
                layout.databaseURL(service),
                with: DatabaseSetup.url(
                    service,
                    password: password,
                    server: "127.0.0.1:\(server.port)"
                ) + "\n"
            )
        }
        _ = try secrets.value("provider-key", prefix: "sk_test_")
        _ = try secrets.value("admin-password", length: 20)
        try Psql(layout, server).run(
            DatabaseSetup.script(passwords: passwords),
            database: "postgres"
        )
    }

    /// Stops all on record and says so in the state.
    private func tearDown() {
        Attendance(layout: layout, supervise: false).stopEverything()
    }

    /// Goes, with the stack running; a supervisor takes over if one was asked for.
    private func leave(_ lock: FileLock) throws(StackError) {
        guard options.supervise else {
            try file.change { state throws(StackError) in
                state.mode = .detached
                state.owner = nil
            }
            return
        }
        lock.release()
        let own = Files.destination(ofLink: "/proc/self/exe") ?? "stack"
        let pid = try Launch(
            executable: own,
            arguments: ["supervise", "--data", layout.root],
            environment: ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"],
            output: .append(path: layout.log("stack"))
        ).begin()
        let owner = ProcessIdentity(of: pid)
        try file.change { state throws(StackError) in state.owner = owner }
    }
}
