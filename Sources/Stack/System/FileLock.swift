internal import Glibc

/// An advisory lock on a file, given back when dropped or when the process ends, however it ends.
final class FileLock {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Takes the lock; nil when somebody else holds it and `wait` is false.
    static func take(_ path: String, wait: Bool) throws(StackError) -> FileLock? {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure("open \(path)") }
        while flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let failure = SystemCall.failure("lock \(path)")
            let taken = errno == EWOULDBLOCK
            close(descriptor)
            if taken { return nil }
            throw failure
        }
        return FileLock(descriptor: descriptor)
    }

    /// Gives it back before the end.
    func release() {
        flock(descriptor, LOCK_UN)
    }

    deinit {
        close(descriptor)
    }
}
