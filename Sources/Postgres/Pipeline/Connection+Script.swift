internal import Reactor

extension Connection {
    /// A script on the way: several statements in one text, which the pipeline cannot carry.
    struct Script {
        var waiter: Waiter?
        var deadline: Deadline
        var error: DatabaseError?
    }

    /// Runs a text of several statements on a leased connection; for migrations.
    ///
    /// Not cancellable; at the deadline the connection is closed.
    func perform(script sql: String, until deadline: Deadline) async throws(DatabaseError) {
        loop.preconditionIsCurrent()
        guard isOpen, isIdle else { throw .unavailable("the connection is not idle") }
        let outcome: Outcome = await unsafe withUnsafeContinuation { continuation in
            let waiter = unsafe Waiter(continuation: continuation)
            guard wire.exitPipeline(), wire.sendScript(sql) else {
                close(because: wire.message)
                return waiter.resume(.failure(.unavailable("the script could not be sent")))
            }
            script = Script(waiter: waiter, deadline: deadline)
            flush()
            loop.schedule(at: deadline) { [weak self] in self?.expireScript(at: .now) }
        }
        _ = try outcome.get()
    }

    func drainScript() {
        switch wire.next() {
        case .rows, .aborted, .sync: break
        case .failed(let error) where script?.error == nil: script?.error = error.meaning
        case .failed: break
        case .unexpected: close(because: "a migration must not COPY")
        case .end:
            // A broken connection ends here too: `close` tells the waiter of a script that is still there.
            guard wire.enterPipeline() else { return close(because: wire.message) }
            let ended = script
            script = nil
            ended?.waiter?.resume(ended?.error.map { .failure($0) } ?? .success([]))
        }
    }

    func expireScript(at now: Deadline) {
        guard let script, script.deadline <= now else { return }
        self.script?.waiter = nil
        script.waiter?.resume(.failure(.timedOut))
        close(because: "a script took too long")
    }
}
