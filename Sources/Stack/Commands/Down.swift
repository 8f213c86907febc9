internal import Glibc

/// `stack down`: stops what was started here, and nothing else.
struct Down {
    let layout: Layout

    /// Asks whoever attends the stack to stop it, then makes sure; `wipe` also removes the data.
    func run(wipe: Bool) throws(StackError) {
        let file = StateFile(layout: layout)
        guard let state = try file.load() else {
            Terminal.say("no stack at \(layout.root)")
            return
        }
        if let owner = state.owner, state.bootID == ProcessTable.bootID(), owner.isAlive {
            owner.send(SIGTERM)
            if !Crew.wait(for: [owner], .seconds(45)) { owner.send(SIGKILL) }
        }
        Attendance(layout: layout, supervise: false).stopEverything()
        Terminal.say(wipe ? "stopped" : "stopped; the data stays in \(layout.root)")
        if wipe { try remove(state) }
    }

    private func remove(_ state: StackState) throws(StackError) {
        for path in layout.everything { try Files.remove(path) }
        if state.server.home == Cluster.fallbackHome(layout) { try Files.remove(state.server.home) }
        // Stays when something that is not ours lies in it.
        unsafe rmdir(layout.root)
        Terminal.say("removed \(layout.root)")
    }
}
