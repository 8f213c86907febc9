internal import Glibc

/// Collects children that ended, so that no zombie stays while `stack up` is there.
enum Reaper {
    /// Reaps those of the processes that are children of ours and have ended, and says how.
    @discardableResult
    static func reap(_ processes: [ProcessIdentity]) -> [Int32: ExitStatus] {
        var ended: [Int32: ExitStatus] = [:]
        for process in processes {
            var status: Int32 = 0
            // Safe: status outlives the call.
            if unsafe waitpid(process.pid, &status, WNOHANG) == process.pid {
                ended[process.pid] = ExitStatus(raw: status)
            }
        }
        return ended
    }
}
