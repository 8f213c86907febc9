internal import Glibc
internal import Launching

/// A short-lived program (initdb, psql) whose input is given whole and whose output is read at the end.
///
/// Its streams are unlinked files instead of pipes: neither side can block the other, and nothing
/// is left behind when either dies. Whoever starts one finishes it, once.
struct Tool {
    /// How it ended and what it said.
    struct Outcome: Equatable {
        var status: Int32
        var output: String
        var errors: String

        var succeeded: Bool { status == 0 }
        /// The last thing it complained about, for a one-line message.
        var complaint: String {
            let lines = errors.split(separator: "\n")
            return lines.last {
                $0.contains("ERROR") || $0.contains("FATAL") || $0.contains("error")
            }
            .map(String.init) ?? lines.last.map(String.init) ?? "exit status \(status)"
        }
    }

    let pid: Int32
    private let name: String
    private let output: Int32
    private let errors: Int32

    /// Starts it.
    ///
    /// `scratch` is a folder only we can read; the input may hold passwords.
    init(_ launch: Launch, input: String = "", scratch: String) throws(StackError) {
        var launch = launch
        let source = try Tool.scratchFile(in: scratch)
        defer { close(source) }
        try Files.write(Array(input.utf8), to: source)
        lseek(source, 0, SEEK_SET)
        output = try Tool.scratchFile(in: scratch)
        errors = try Tool.scratchFile(in: scratch)
        launch.input = source
        launch.output = .descriptor(output)
        launch.errors = .descriptor(errors)
        name = launch.executable
        do {
            pid = try launch.begin()
        } catch {
            close(output)
            close(errors)
            throw error
        }
    }

    /// Waits for the end; a tool that takes longer, or an interrupt, ends it.
    func finish(within limit: Duration) throws(StackError) -> Outcome {
        defer {
            close(output)
            close(errors)
        }
        let end = ContinuousClock.now + limit
        while true {
            var status: Int32 = 0
            // Safe: status outlives the call.
            let done = unsafe waitpid(pid, &status, WNOHANG)
            if done == pid {
                return Outcome(
                    status: ExitStatus(raw: status).code,
                    output: Tool.text(of: output),
                    errors: Tool.text(of: errors)
                )
            }
            if done < 0 && errno != EINTR { throw SystemCall.failure("wait for \(name)") }
            do throws(StackError) {
                if ContinuousClock.now > end {
                    throw StackError.unavailable("\(name) took longer than \(limit)")
                }
                try Interrupts.pause(.milliseconds(4))
            } catch {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
                throw error
            }
        }
    }

    private static func text(of descriptor: Int32) -> String {
        lseek(descriptor, 0, SEEK_SET)
        return String(decoding: Files.read(descriptor) ?? [], as: UTF8.self)
    }

    /// A nameless file that only we can open.
    private static func scratchFile(in folder: String) throws(StackError) -> Int32 {
        var template = Array("\(folder)/.scratch-XXXXXX".utf8CString)
        // Safe: mkstemp replaces the six X in place and needs the terminator that utf8CString has.
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { name -> Int32 in
            guard let start = name.baseAddress else { return -1 }
            return unsafe mkstemp(start)
        }
        guard descriptor >= 0 else { throw SystemCall.failure("scratch file in \(folder)") }
        // Safe: template still ends with the terminator.
        unsafe template.withUnsafeBufferPointer { name in
            _ = unsafe name.baseAddress.map { unsafe unlink($0) }
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }
}

/// How a process ended, decoded from the word that wait gives.
struct ExitStatus: Equatable {
    /// The signal that ended it; 0 when it left by itself.
    let signal: Int32
    /// The exit code, or 128 + signal as shells say it.
    let code: Int32

    init(raw: Int32) {
        signal = raw & 0x7f
        code = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
    }

    /// "exit code 78" or "killed by signal 9".
    var description: String {
        signal == 0 ? "exit code \(code)" : "killed by signal \(signal)"
    }
}
