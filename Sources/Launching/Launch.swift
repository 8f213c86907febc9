internal import CLinux
internal import Glibc

/// One child process to start: what, with which environment, and where its output goes.
///
/// Every child gets a session of its own, so that Ctrl-C in the terminal reaches only its parent,
/// which then decides the order in which things end.
public struct Launch: Sendable {
    /// Where a stream of the child goes.
    public enum Output: Sendable, Equatable {
        /// Nowhere.
        case discard
        /// To the end of this file.
        case append(path: String)
        /// To a descriptor of the parent.
        case descriptor(Int32)
    }

    /// Why no child was started.
    public struct Failure: Error, Equatable {
        /// The program.
        public let executable: String
        /// What the kernel said.
        public let errno: Int32
    }

    /// The program's path.
    public var executable: String
    /// The words behind its name.
    public var arguments: [String]
    /// All of its environment; nothing is inherited.
    public var environment: [String: String]
    /// Standard input; nothing unless given.
    public var input: Int32?
    /// Standard output.
    public var output: Output
    /// Standard error; where the output goes unless given.
    public var errors: Output?

    /// Describes a child.
    public init(
        executable: String,
        arguments: [String] = [],
        environment: [String: String] = [:],
        input: Int32? = nil,
        output: Output = .discard,
        errors: Output? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.output = output
        self.errors = errors
    }

    /// Starts the child and returns its pid.
    ///
    /// The caller, or init after it, reaps it.
    ///
    /// - Throws: what the kernel says when there is no such program or no room for it.
    public func start() throws(Failure) -> Int32 {
        // Safe: both objects are initialised here, used only by posix_spawn below and destroyed on
        // every path out of this function.
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe direct(&actions)
        isolate(&attributes)
        let words = [executable] + arguments
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        var pid: pid_t = 0
        let status = unsafe CStrings.with(words) { argv in
            unsafe CStrings.with(variables) { envp in
                unsafe posix_spawn(&pid, executable, &actions, &attributes, argv, envp)
            }
        }
        guard status == 0 else { throw Failure(executable: executable, errno: status) }
        return pid
    }

    /// Opens and duplicates the three standard streams; everything else is closed.
    private func direct(_ actions: inout posix_spawn_file_actions_t) {
        // Safe: actions was initialised by the caller; paths are copied by the calls.
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe route(output, to: 1, &actions)
        if let errors {
            unsafe route(errors, to: 2, &actions)
        } else {
            unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    }

    private func route(
        _ output: Output,
        to number: Int32,
        _ actions: inout posix_spawn_file_actions_t
    ) {
        // Safe: as in direct.
        switch output {
        case .discard:
            unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_WRONLY, 0)
        case .append(let path):
            unsafe posix_spawn_file_actions_addopen(
                &actions,
                number,
                path,
                O_WRONLY | O_CREAT | O_APPEND,
                0o640
            )
        case .descriptor(let descriptor):
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
    }

    /// A new session and the signals as a program expects them: none blocked, none ignored.
    private func isolate(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        var all = sigset_t()
        // Safe: attributes was initialised by the caller; the sets are copied by the calls.
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID (spawn.h) is declared only under _GNU_SOURCE.
        let newSession: Int32 = 0x80
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | newSession
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    }
}

/// Swift strings as the null-terminated array of C strings that exec wants.
enum CStrings {
    /// Lends the array for the length of the call.
    static func with<Result>(
        _ strings: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        // Safe: each copy is made by strdup, reachable only inside body, and freed after it; the
        // array has one more slot than strings, which stays nil as the terminator.
        let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
            .allocate(capacity: strings.count + 1)
        unsafe array.initialize(repeating: nil, count: strings.count + 1)
        for (index, string) in strings.enumerated() {
            unsafe array[index] = strdup(string)
        }
        defer {
            for index in strings.indices {
                unsafe free(array[index])
            }
            unsafe array.deallocate()
        }
        return unsafe body(array)
    }
}
