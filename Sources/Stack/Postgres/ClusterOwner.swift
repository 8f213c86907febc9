internal import Glibc
internal import Launching

/// The user that PostgreSQL runs as: ourselves, or an unprivileged one when we are root.
struct ClusterOwner: Equatable {
    let name: String
    let user: uid_t
    let group: gid_t
    /// Whether running as the owner means giving up root first.
    let dropsRoot: Bool

    /// Finds the owner: PostgreSQL refuses to run as root, and so it should.
    static func choose() throws(StackError) -> ClusterOwner {
        guard geteuid() == 0 else {
            return ClusterOwner(name: "", user: geteuid(), group: getegid(), dropsRoot: false)
        }
        for name in ["postgres", "nobody"] {
            // Safe: getpwnam returns nil or a record that lives until the next call; its two
            // numbers are copied at once.
            if let entry = unsafe getpwnam(name) {
                let (user, group) = unsafe (entry.pointee.pw_uid, entry.pointee.pw_gid)
                return ClusterOwner(name: name, user: user, group: group, dropsRoot: true)
            }
        }
        throw .unavailable("PostgreSQL cannot run as root, and there is no user postgres or nobody")
    }

    /// The same program, started as the owner.
    func launch(_ program: String, _ arguments: [String]) -> Launch {
        let environment = [
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        ]
        guard dropsRoot else {
            return Launch(executable: program, arguments: arguments, environment: environment)
        }
        let drop = ["--reuid=\(user)", "--regid=\(group)", "--init-groups", "--", program]
        return Launch(
            executable: "/usr/bin/setpriv",
            arguments: drop + arguments,
            environment: environment
        )
    }

    /// Writes a file as the owner would, so that root never writes in a folder another user controls.
    func write(_ text: String, to path: String, scratch: String) throws(StackError) {
        let script = "umask 077; rm -f -- \"$1\"; cat > \"$1\""
        let outcome = try Tool(
            launch("/bin/sh", ["-c", script, "sh", path]),
            input: text,
            scratch: scratch
        )
        .finish(within: .seconds(5))
        guard outcome.succeeded else { throw .unavailable("\(path): \(outcome.complaint)") }
    }

    /// Makes the folder that holds the cluster, private to the owner; false when the owner cannot
    /// get there, for example below /root.
    func makeHome(_ path: String, scratch: String) throws(StackError) -> Bool {
        if let known = Files.status(path, follow: false) {
            guard known.st_mode & S_IFMT == S_IFDIR,
                known.st_uid == user || known.st_uid == geteuid()
            else { throw .refused("\(path) is there and belongs to somebody else") }
        } else if unsafe mkdir(path, 0o700) != 0 {
            throw SystemCall.failure("mkdir \(path)")
        }
        guard dropsRoot else { return true }
        guard unsafe lchown(path, user, group) == 0 else {
            throw SystemCall.failure("chown \(path)")
        }
        let outcome = try Tool(
            launch("/bin/sh", ["-c", "cd -- \"$1\"", "sh", path]),
            scratch: scratch
        )
        .finish(within: .seconds(5))
        return outcome.succeeded
    }
}
