internal import Glibc

/// Staying with a running stack: says what ends, starts it again if asked, stops all when told to.
struct Attendance {
    let layout: Layout
    let supervise: Bool

    private var file: StateFile { StateFile(layout: layout) }

    /// Takes over a stack that `up --detach --supervise` brought up.
    func adopt() throws(StackError) {
        Interrupts.block()
        guard let lock = try FileLock.take(layout.upLock, wait: false) else {
            throw .refused("somebody else attends the stack at \(layout.root)")
        }
        defer { withExtendedLifetime(lock) {} }
        try stay()
    }

    /// Returns once everything is stopped, after Ctrl-C, SIGTERM or a lost terminal.
    func stay() throws(StackError) {
        var watch = Watch()
        do {
            while true {
                try Interrupts.pause(.milliseconds(200))
                let state = try file.require()
                Reaper.reap(state.processes)
                for name in watch.look(at: state) {
                    let advice =
                        supervise ? "starting it again" : "start it with: stack start \(name)"
                    Terminal.note("\(name) ended; \(advice)")
                }
                if supervise { try restart(watch.due(state, now: .now), &watch) }
            }
        } catch {
            Terminal.note("\nstack: stopping")
            stopEverything()
            guard case .interrupted = error else { throw error }
        }
    }

    /// Stops everything on record and marks the stack as stopped.
    func stopEverything() {
        guard let state = try? file.load() else { return }
        Crew(layout: layout).stopAll(state, strays: ProcessTable.marked(layout.mark))
        try? file.change { state throws(StackError) in
            state.phase = .stopped
            state.owner = nil
            state.server.run.process = nil
            for index in state.members.indices { state.members[index].run.process = nil }
        }
    }

    private func restart(_ names: [String], _ watch: inout Watch) throws(StackError) {
        for name in names {
            watch.restarted(name, now: .now)
            do {
                try file.change { state throws(StackError) in try start(name, &state) }
                Terminal.note("\(name) started again")
            } catch {
                if case .interrupted = error { throw error }
                watch.failed(name, now: .now)
                Terminal.note("\(name) does not start: \(error.line)")
            }
        }
    }

    /// Starts it unless somebody else just did.
    private func start(_ name: String, _ state: inout StackState) throws(StackError) {
        let crew = Crew(layout: layout)
        if name == "postgres" {
            if !state.server.run.isAlive { try crew.startServer(&state.server) }
            return
        }
        let index = state.members.firstIndex { $0.plan.name.description == name }
        guard let index, !state.members[index].run.isAlive else { return }
        try crew.start(&state.members[index])
    }
}

/// Notices which processes ended since the last look, and when each may be started again.
struct Watch {
    private var reported: Set<ProcessIdentity> = []
    private var backoff: [String: RestartBackoff] = [:]

    /// The names of processes that ended since the last look.
    mutating func look(at state: StackState) -> [String] {
        var ended: [String] = []
        for (name, run) in Watch.runs(state) {
            guard let process = run.process, !process.isAlive, reported.insert(process).inserted
            else { continue }
            backoff[name, default: RestartBackoff()].ended(now: .now)
            ended.append(name)
        }
        return ended
    }

    /// The names to start now.
    func due(_ state: StackState, now: ContinuousClock.Instant) -> [String] {
        Watch.runs(state).filter { name, run in
            !run.isAlive && run.process != nil && (backoff[name]?.isDue(now: now) ?? false)
        }.map(\.0)
    }

    /// A process was started again.
    mutating func restarted(_ name: String, now: ContinuousClock.Instant) {
        backoff[name, default: RestartBackoff()].started(now: now)
    }

    /// A process could not be started: wait longer.
    mutating func failed(_ name: String, now: ContinuousClock.Instant) {
        backoff[name, default: RestartBackoff()].ended(now: now)
    }

    private static func runs(_ state: StackState) -> [(String, StackState.Run)] {
        [("postgres", state.server.run)] + state.members.map { ($0.plan.name.description, $0.run) }
    }
}

/// How long to wait before a process that keeps ending is started again.
struct RestartBackoff: Equatable {
    static let first = Duration.milliseconds(100)
    static let longest = Duration.seconds(5)
    /// A process that ran this long is well; the next end counts as the first.
    static let settled = Duration.seconds(10)

    private var delay = RestartBackoff.first
    private var startedAt: ContinuousClock.Instant?
    private var notBefore: ContinuousClock.Instant?

    /// The process ended: the wait doubles unless it had run well.
    mutating func ended(now: ContinuousClock.Instant) {
        if let startedAt {
            delay = now - startedAt >= Self.settled ? Self.first : min(delay * 2, Self.longest)
        }
        notBefore = now + delay
    }

    /// The process was started again.
    mutating func started(now: ContinuousClock.Instant) {
        startedAt = now
    }

    /// Whether the wait is over.
    func isDue(now: ContinuousClock.Instant) -> Bool {
        notBefore.map { now >= $0 } ?? true
    }
}
