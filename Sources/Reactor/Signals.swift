import CLinux
import Glibc

/// Signals as values to wait for, instead of handlers that interrupt.
public struct Signals: Sendable {
    private let descriptor: Int32

    /// Blocks `numbers` in this thread and all that it starts later, so that they arrive here alone.
    ///
    /// Call it first thing in `main`, before any thread is started.
    ///
    /// - Throws: `.system` when the kernel has no descriptor left.
    public init(_ numbers: [Int32]) throws(SocketError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = unsafe signalfd(
            -1,
            &set,
            Int32(SFD_NONBLOCK | SFD_CLOEXEC)
        )
        guard descriptor >= 0 else { throw .last("signalfd") }
    }

    /// Waits for the next of the signals on the current loop and returns its number.
    ///
    /// - Throws: `.cancelled` with the task.
    public func next() async throws(SocketError) -> Int32 {
        let watcher = try Watcher(descriptor: descriptor, loop: .required)
        defer { watcher.close() }
        while true {
            var info = signalfd_siginfo()
            let size = MemoryLayout<signalfd_siginfo>.size
            if unsafe read(descriptor, &info, size) == size { return Int32(info.ssi_signo) }
            guard errno == EAGAIN || errno == EINTR else { throw .last("read signalfd") }
            try await watcher.readable(until: .never)
        }
    }
}
