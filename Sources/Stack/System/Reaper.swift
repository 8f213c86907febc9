internal import Glibc

/// Collects children that ended, so that no zombie stays while `stack up` is there.
enum Reaper {
    /// Reaps what has ended and says how.
    @discardableResult
    static func reap() -> [Int32: ExitStatus] {
        var ended: [Int32: ExitStatus] = [:]
        while true {
            var status: Int32 = 0
            // Safe: status outlives the call.
            let pid = unsafe waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return ended }
            ended[pid] = ExitStatus(raw: status)
        }
    }
}
