internal import Glibc
internal import Launching
internal import Reactor
internal import Synchronization

/// Another program of the machine, run to its end: `stack`, `docker`, `docker-compose`.
enum Program {
    /// How it ended.
    struct Outcome: Sendable, Equatable {
        /// The exit code, or 128 + the signal's number.
        var status: Int32
        /// What it wrote, complaints included.
        var text: String

        var succeeded: Bool { status == 0 }
    }

    /// Runs it on the blocking pool.
    ///
    /// - Parameters:
    ///   - variables: for its environment, besides what all programs get.
    ///   - limits: when it is told to end before it does so by itself.
    /// - Throws: `Shop.Failed` when it cannot be started; `CancellationError` when it was told to end
    ///   because the task was.
    static func run(
        _ path: String,
        _ arguments: [String],
        adding variables: [String: String] = [:],
        within limits: Limits = Limits()
    ) async throws -> Outcome {
        let environment = environment.merging(variables) { _, added in added }
        let interrupt = Interrupt()
        let result = try await withTaskCancellationHandler {
            try await BlockingPool.shared.run {
                Result { try finish(path, arguments, environment, limits, interrupt) }
            }
        } onCancel: {
            if limits.endsWithTask { interrupt.set() }
        }
        if interrupt.isSet { throw CancellationError() }
        return try result.get()
    }

    /// Says to a thread that blocks that nobody waits for it any more.
    private final class Interrupt: Sendable {
        private let flag = Atomic<Bool>(false)

        var isSet: Bool { flag.load(ordering: .acquiring) }
        func set() { flag.store(true, ordering: .releasing) }
    }

    /// Where a program is, by PATH; nil when it is nowhere.
    static func find(_ name: String) -> String? {
        (variable("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(name)" }
            .first { unsafe access($0, X_OK) == 0 }
    }

    /// A program beside this one.
    static func sibling(_ name: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let size = buffer.count
        // Safe: readlink writes at most size bytes into buffer and says how many.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let start = bytes.baseAddress else { return 0 }
            let text = unsafe start.assumingMemoryBound(to: CChar.self)
            return unsafe readlink("/proc/self/exe", text, size)
        }
        let own = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        return own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(name)"
    }

    /// A variable of our own environment.
    static func variable(_ name: String) -> String? {
        // Safe: getenv returns a terminated string or nil; nothing here writes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    private static func finish(
        _ path: String,
        _ arguments: [String],
        _ environment: [String: String],
        _ limits: Limits,
        _ interrupt: Interrupt
    ) throws -> Outcome {
        var ends: [Int32] = [-1, -1]
        // Safe: pipe fills the two elements that ends has.
        let made = unsafe ends.withUnsafeMutableBufferPointer { pair -> Int32 in
            guard let start = pair.baseAddress else { return -1 }
            return unsafe pipe(start)
        }
        guard made == 0 else { throw Shop.Failed(description: "no pipe for \(path)") }
        defer { close(ends[0]) }
        let pid: Int32
        do {
            defer { close(ends[1]) }
            pid = try Launch(
                executable: path,
                arguments: arguments,
                environment: environment,
                output: .descriptor(ends[1])
            ).start()
        } catch {
            throw Shop.Failed(description: "cannot start \(path): errno \(error.errno)")
        }
        var ending = Ending(limits)
        let text = read(ends[0]) {
            guard let signal = ending.due(isInterrupted: interrupt.isSet) else { return true }
            kill(pid, signal)
            return signal != SIGKILL
        }
        var status: Int32 = 0
        // Safe: status outlives the call.
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return Outcome(status: signal == 0 ? (status >> 8) & 0xff : 128 + signal, text: text)
    }

    /// Reads until the other end is closed or `goesOn`, asked several times a second, says no: a
    /// child that never stops writing is asked about as well.
    private static func read(_ end: Int32, while goesOn: () -> Bool) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while goesOn() {
            var entry = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            // Safe: entry outlives the call.
            let ready = unsafe poll(&entry, 1, 50)
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            let size = chunk.count
            // Safe: the kernel writes at most size bytes into chunk.
            let count = unsafe chunk.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(end, bytes.baseAddress, size)
            }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What programs need of ours: where to find others, and how to reach the Docker engine.
    private static var environment: [String: String] {
        var found = ["LANG": "C.UTF-8"]
        let names = [
            "PATH", "HOME", "TMPDIR", "DOCKER_HOST", "COMPOSE_PROJECT_NAME", "COMPOSE_FILE",
        ]
        for name in names { found[name] = variable(name) }
        return found
    }
}
