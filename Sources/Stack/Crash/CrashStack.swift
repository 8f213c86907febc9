internal import Glibc
internal import Launching

/// A lean stack of its own for the matrix, every process preloaded with CrashPoints.
final class CrashStack {
    let layout: Layout
    private let program: String
    /// As in the state file, kept here because it is looked at every millisecond.
    private var state: StackState
    private(set) var controls: [CrashVictim: ControlFile] = [:]
    /// That of a second order replica, in a stack that has one.
    private var twin: ControlFile?
    private(set) var ports: [UInt16: String] = [:]

    /// Whatever shortens the waits: a fault is over in milliseconds here, and sagas must not take
    /// half a minute to notice.
    static let settings = [
        "CHECKOUT_DEADLINE=\(CrashStack.deadline.components.seconds)s", "SAGA_LEASE=3s",
        "SAGA_POLL=300ms", "SAGA_PARKING=500ms", "CALL_TRY_TIME=1s", "CALL_TIME=2s",
        "BREAKER_OPEN_TIME=200ms", "RECONCILE_INTERVAL=1s", "RATE_LIMIT_SIGN_IN=1000",
        "LOG_LEVEL=info",
    ]
    /// When a saga gives up.
    static let deadline = Duration.seconds(4)
    /// Longer than a lease, and than whoever takes over needs to see that it has lapsed.
    static let standstill = Duration.milliseconds(4_500)

    /// Brings it up in `folder`, on ports that are free, with one order replica or two.
    init(_ folder: String, executables: String?, twins: Bool) throws(StackError) {
        layout = Layout(folder)
        program = Files.destination(ofLink: "/proc/self/exe") ?? "stack"
        let programs = executables ?? Files.parent(of: program) ?? "."
        let library = "\(programs)/libCrashPoints.so"
        guard Files.status(library, follow: true) != nil else {
            throw .unavailable("\(library) is missing: run make build")
        }
        try Files.makeFolder(layout.root)
        let controlFolder = "\(layout.root)/crash-points"
        try Files.makeFolder(controlFolder)
        let port = try Ports.choose(avoiding: [])
        let second = "\(CrashVictim.order.rawValue).2"
        for name in CrashVictim.allCases.map(\.instance) + [second] {
            _ = try ControlFile("\(controlFolder)/\(name)", ports: [])
        }
        let preload = ["LD_PRELOAD=\(library)", "CRASH_POINTS=\(controlFolder)"]
        var words = ["up", "--lean", "--detach", "--port", "\(port)", "--executables", programs]
        if twins { words += ["--replicas", "order=2"] }
        for setting in preload + CrashStack.settings { words += ["--set", setting] }
        for setting in preload { words += ["--set", "postgres:\(setting)"] }
        try CrashStack.run(program, words, layout, within: .seconds(120))
        state = try StateFile(layout: layout).require()
        ports[state.server.port] = "postgres"
        for member in state.members {
            ports[member.plan.ports.listen] = member.plan.name.service.rawValue
        }
        for victim in CrashVictim.allCases {
            controls[victim] = try ControlFile(
                "\(controlFolder)/\(victim.instance)",
                ports: Array(ports.keys)
            )
        }
        if twins {
            twin = try ControlFile("\(controlFolder)/\(second)", ports: Array(ports.keys))
        }
    }

    /// Sets what happens to a process; two replicas of it have the same rules.
    func arm(_ victim: CrashVictim, _ rules: [CrashRule], counting calls: [CrashStep.Call]) {
        controls[victim]?.arm(rules, counting: calls)
        if victim == .order { twin?.arm(rules, counting: calls) }
    }

    /// From now on nothing happens to anybody.
    func disarm() {
        for control in controls.values { control.disarm() }
        twin?.disarm()
    }

    /// An order replica that stands still.
    var paused: ProcessIdentity? {
        state.members.filter { $0.plan.name.service == .order }
            .compactMap(\.run.process).first(where: \.isPaused)
    }

    /// The port of a process, as its peers know it; 0 for a file.
    func port(_ name: String) -> UInt16 { ports.first { $0.value == name }?.key ?? 0 }

    /// Stops everything and removes the data.
    func down() throws(StackError) {
        try CrashStack.run(program, ["down", "--wipe"], layout, within: .seconds(90))
        try Files.remove(layout.root)
    }

    /// Starts whatever has died, and says what that was.
    func revive() throws(StackError) -> [String] {
        var dead: [String] = []
        if !state.server.run.isAlive { dead.append("postgres") }
        for member in state.members where !member.run.isAlive {
            dead.append(member.plan.name.service.rawValue)
        }
        guard !dead.isEmpty else { return [] }
        Reaper.reap(state.processes)
        state = try StateFile(layout: layout).change { state throws(StackError) in
            if !state.server.run.isAlive {
                try Crew(layout: layout).startServer(&state.server)
            }
            for index in state.members.indices where !state.members[index].run.isAlive {
                try Crew(layout: layout).start(&state.members[index])
            }
            return state
        }
        return dead
    }

    /// What a process reads and its calls, counted since its control file was armed.
    func trace(_ victim: CrashVictim) -> [CrashStep] {
        (controls[victim]?.trace() ?? []).map { call, port in
            CrashStep(call: call, edge: port == 0 ? "file" : ports[port] ?? "\(port)")
        }
    }

    /// Judges all databases; nil while PostgreSQL does not answer.
    func judge() throws(StackError) -> [Oracle.Finding]? {
        do throws(StackError) {
            return try Oracle(layout, state.server).judge()
        } catch {
            if case .unavailable = error { return nil }
            throw error
        }
    }

    /// Asks a service as `order` does, with its certificate; returns curl's status code.
    func asOrder(_ method: String, _ path: String, to service: String, json: String?)
        throws(StackError) -> Tool
    {
        var words = [
            "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "-X", method,
            "--cert", layout.certificate("order.1"), "--key", layout.key("order.1"),
            "--cacert", layout.authority, "https://localhost:\(port(service))\(path)",
        ]
        if let json { words += ["-H", "Content-Type: application/json", "--data-binary", json] }
        return try Tool(
            Launch(executable: "/usr/bin/curl", arguments: words),
            scratch: layout.secrets
        )
    }

    private static func run(
        _ program: String,
        _ words: [String],
        _ layout: Layout,
        within limit: Duration
    ) throws(StackError) {
        let launch = Launch(
            executable: program,
            arguments: words + ["--data", layout.root],
            environment: ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]
        )
        let outcome = try Tool(launch, scratch: layout.root).finish(within: limit)
        guard outcome.succeeded else {
            throw .unavailable("stack \(words[0]): \(outcome.errors)")
        }
    }
}
