import CLinux
import Glibc
import Synchronization

/// A child process, started without a shell unless it is one.
struct Spawn {
    let pid: pid_t
    /// The writing end of the child's standard input, when it was asked for.
    let input: Int32?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts `arguments[0]` in a process group of its own, with its output appended to a file.
    init(_ arguments: [String], output: String, pipedInput: Bool = false) throws {
        // One at a time: a child started between a pipe's making and its marking would inherit it.
        self = try Self.turn.withLock { _ in
            try Spawn(inTurn: arguments, output: output, pipedInput: pipedInput)
        }
    }

    private static let turn = Mutex(())

    private init(inTurn arguments: [String], output: String, pipedInput: Bool) throws {
        var ends: [Int32] = [-1, -1]
        if pipedInput {
            guard pipe(&ends) == 0 else { throw Failure(description: "pipe: \(errno)") }
            // Other children must not keep the pipe open.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if pipedInput {
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The server outlives the tests around it: a descriptor of theirs in its hands would never
        // end, and Foundation's Process waits for just that to learn that its child is gone.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Threads of ours may block every signal; a shell that cannot see SIGCHLD waits for ever.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        // A known environment: libpq would otherwise read PGHOST and its like.
        let variables = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"]
        let environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, environment)
        if pipedInput { close(ends[0]) }
        guard error == 0 else {
            if pipedInput { close(ends[1]) }
            throw Failure(
                description: "cannot start \(arguments[0]): \(String(cString: strerror(error)))"
            )
        }
        self.pid = pid
        self.input = pipedInput ? ends[1] : nil
    }

    /// Blocks until the child has ended; its exit code, or 128 + the signal.
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }

    /// Runs a command to its end; throws with what it printed when it fails.
    static func run(_ arguments: [String], output: String) throws {
        let code = try Spawn(arguments, output: output).wait()
        guard code == 0 else {
            throw Failure(
                description: "\(arguments.joined(separator: " ")): exit \(code)\n\(read(output))"
            )
        }
    }

    /// The end of a small file.
    static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count].suffix(4000), as: UTF8.self)
    }
}
