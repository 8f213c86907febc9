internal import Glibc

/// `stack kill`, `pause`, `resume`, `start` and `restart`: breaking things, and mending them.
struct Control {
    let layout: Layout

    private var file: StateFile { StateFile(layout: layout) }

    /// Does it to every target; the first that does not fit ends the command.
    func run(_ verb: Invocation.Verb, _ targets: [Target]) throws(StackError) {
        let state = try file.require()
        guard state.bootID == ProcessTable.bootID(), state.phase != .stopped else {
            throw .refused("the stack at \(layout.root) is not up; start it with: stack up")
        }
        for target in targets {
            if target == .postgres {
                try server(verb, state.server)
            } else {
                let members = try state.indices(of: target).map { state.members[$0] }
                try services(verb, members)
            }
        }
    }

    private func services(
        _ verb: Invocation.Verb,
        _ members: [StackState.Member]
    ) throws(StackError) {
        switch verb {
        case .kill: try signal(SIGKILL, "killed", members)
        case .pause: try signal(SIGSTOP, "paused", members)
        case .resume: try signal(SIGCONT, "resumed", members)
        case .start: try start(members)
        case .restart:
            Crew.stop(members.compactMap(\.run.process), grace: .seconds(10))
            try start(members)
        }
    }

    private func signal(
        _ signal: Int32,
        _ done: String,
        _ members: [StackState.Member]
    ) throws(StackError) {
        var reached: [ProcessIdentity] = []
        for member in members {
            guard let process = member.run.process, process.send(signal) else { continue }
            reached.append(process)
            Terminal.say("\(member.plan.name) (pid \(process.pid)) \(done)")
        }
        guard !reached.isEmpty else {
            let names = members.map(\.plan.name.description).joined(separator: ", ")
            throw .refused("not running: \(names); start with: stack start NAME")
        }
        if signal == SIGKILL { _ = Crew.wait(for: reached, .seconds(3)) }
        // On a busy machine a process stops only once it gets a processor to stop on.
        let end = ContinuousClock.now + .seconds(3)
        while signal == SIGSTOP, ContinuousClock.now < end, !reached.allSatisfy(\.isPaused) {
            Interrupts.rest(.milliseconds(5))
        }
    }

    /// Starts those that do not run, and waits until they are ready.
    private func start(_ members: [StackState.Member]) throws(StackError) {
        let names = Set(members.map(\.plan.name))
        let started = try file.change { state throws(StackError) -> [StackState.Member] in
            var started: [StackState.Member] = []
            for index in state.members.indices where names.contains(state.members[index].plan.name)
            {
                if state.members[index].run.isAlive { continue }
                try Crew(layout: layout).start(&state.members[index])
                started.append(state.members[index])
            }
            return started
        }
        for member in members where !started.contains(where: { $0.plan.name == member.plan.name }) {
            Terminal.say("\(member.plan.name) is running already")
        }
        guard !started.isEmpty else { return }
        let began = ContinuousClock.now
        try Health(layout: layout).wait(for: started, within: .seconds(15))
        let seconds = Up.text(ContinuousClock.now - began)
        for member in started {
            let pid = member.run.process?.pid ?? 0
            Terminal.say("\(member.plan.name) (pid \(pid)) ready after \(seconds)")
        }
    }

    private func server(
        _ verb: Invocation.Verb,
        _ server: StackState.Server
    ) throws(StackError) {
        if verb == .start || verb == .restart {
            if verb == .restart, let process = server.run.process { Crew.stopServer(process) }
            return try startServer()
        }
        guard let process = server.run.process, process.isAlive else {
            throw .refused("postgres is not running; start it with: stack start postgres")
        }
        switch verb {
        case .kill: Crew.killServer(process)
        case .pause: Crew.freeze(process)
        case .resume: Crew.wake(process)
        case .start, .restart: break
        }
        let done = verb == .kill ? "killed" : verb == .pause ? "paused" : "resumed"
        Terminal.say("postgres (pid \(process.pid)) \(done)")
    }

    private func startServer() throws(StackError) {
        let began = ContinuousClock.now
        let line = try file.change { state throws(StackError) -> String in
            if state.server.run.isAlive { return "postgres is running already" }
            try Crew(layout: layout).startServer(&state.server)
            let pid = state.server.run.process?.pid ?? 0
            return "postgres (pid \(pid)) ready after \(Up.text(ContinuousClock.now - began))"
        }
        Terminal.say(line)
    }
}
