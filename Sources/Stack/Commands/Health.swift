/// Asks processes whether they are ready.
struct Health {
    let layout: Layout

    /// Waits until all are; names the first that ended, or those that were not ready in time.
    func wait(for members: [StackState.Member], within limit: Duration) throws(StackError) {
        var waiting = members
        let end = ContinuousClock.now + limit
        while true {
            let ended = Reaper.reap(waiting.compactMap(\.run.process))
            for member in waiting where !member.run.isAlive {
                throw failure(member, ended[member.run.process?.pid ?? 0])
            }
            waiting.removeAll { Health.isReady($0.plan.ports.admin) }
            if waiting.isEmpty { return }
            if ContinuousClock.now > end {
                let names = waiting.map(\.plan.name.description).joined(separator: ", ")
                throw .unavailable("not ready within \(limit): \(names)\n\(tail(waiting[0]))")
            }
            try Interrupts.pause(.milliseconds(25))
        }
    }

    /// Whether the process on this admin port takes work.
    static func isReady(_ admin: UInt16) -> Bool {
        LoopbackHTTP.send("GET", "/health/ready", port: admin, timeout: .milliseconds(250))?
            .isSuccess
            ?? false
    }

    private func failure(_ member: StackState.Member, _ status: ExitStatus?) -> StackError {
        let how = status.map { " (\($0.description))" } ?? ""
        return .unavailable("\(member.plan.name) ended while starting\(how)\n\(tail(member))")
    }

    private func tail(_ member: StackState.Member) -> String {
        let path = layout.log(member.plan.name.description)
        let lines = LogTail.lastLines(5, of: Files.read(path) ?? [])
        return ([path + ":"] + lines.map { "  " + $0 }).joined(separator: "\n")
    }
}
