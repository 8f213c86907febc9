internal import Glibc

/// A journal's file: opened, locked, read and written with calls that block.
///
/// The lock belongs to the open file, so it is gone with the process however that ends, and whoever
/// holds it may read, append and empty. The file itself is never removed or replaced: a lock on a file
/// that has another name or none would protect nothing. Beside it there may be a second one, with what
/// was left of it when it was emptied last; the lock is for both.
struct JournalFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// Opens the file, makes it if it is not there, and locks it; nil when another process has it.
    static func take(_ path: String, makes: Bool) throws(JournalError) -> JournalFile? {
        let flags = O_RDWR | O_CLOEXEC | (makes ? O_CREAT : 0)
        let descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let isTaken = errno == EWOULDBLOCK
            let reason = failure("lock \(path)")
            _ = close(descriptor)
            if isTaken { return nil }
            throw reason
        }
        return JournalFile(path: path, descriptor: descriptor)
    }

    /// The name of the file beside a journal.
    static func keptPath(_ path: String) -> String { "\(path).kept" }

    /// All of it.
    func read() throws(JournalError) -> [UInt8] { try Self.read(descriptor, path) }

    /// All of the file beside it; nothing when there is none.
    func readKept() throws(JournalError) -> [UInt8] {
        let path = Self.keptPath(path)
        let kept = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard kept >= 0 else {
            guard errno == ENOENT else { throw Self.failure("open \(path)") }
            return []
        }
        defer { _ = close(kept) }
        return try Self.read(kept, path)
    }

    /// Puts these bytes in the file beside it, in place of what is there: all of them or none.
    func keep(_ bytes: [UInt8]) throws(JournalError) {
        let path = Self.keptPath(path)
        let draft = unsafe open("\(path).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard draft >= 0 else { throw Self.failure("open \(path).new") }
        let file = JournalFile(path: "\(path).new", descriptor: draft)
        defer { file.release() }
        try file.append(bytes, at: 0, syncs: true)
        guard unsafe rename("\(path).new", path) == 0 else { throw Self.failure("rename \(path)") }
        try JournalFolder.sync(folderOf: path)
    }

    /// Removes the file beside it.
    func dropKept() throws(JournalError) {
        let path = Self.keptPath(path)
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw Self.failure("unlink \(path)")
        }
    }

    private static func read(
        _ descriptor: Int32,
        _ path: String
    ) throws(JournalError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let offset = bytes.count
            // Safe: the array is lent for the call, which writes at most its length.
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read \(path)") }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
        }
    }

    /// Writes at an offset and has the disk confirm it; on failure the file ends at the offset again.
    ///
    /// - Parameter syncs: false for what may be lost without harm.
    func append(_ bytes: [UInt8], at offset: Int, syncs: Bool) throws(JournalError) {
        var written = 0
        while written < bytes.count {
            // Safe: the array is lent for the call, which reads at most the rest of it.
            let count = unsafe bytes[written...].withUnsafeBytes { buffer in
                unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, offset + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw takeBack(to: offset, Self.failure("write \(path)")) }
            written += count
        }
        guard !syncs || fsync(descriptor) == 0 else {
            throw takeBack(to: offset, Self.failure("fsync \(path)"))
        }
    }

    /// Cuts the file.
    func truncate(to size: Int) throws(JournalError) {
        guard ftruncate(descriptor, size) == 0 else { throw Self.failure("truncate \(path)") }
    }

    /// Lets the lock go.
    func release() { _ = close(descriptor) }

    /// What was written without being confirmed must not come back after a restart; when even that
    /// cannot be arranged, nobody can tell whether it will.
    private func takeBack(to offset: Int, _ reason: JournalError) -> JournalError {
        ftruncate(descriptor, offset) == 0 && fsync(descriptor) == 0 ? reason : .outcomeUnknown
    }

    static func failure(_ call: String) -> JournalError {
        let code = errno
        // Safe: strerror gives a text that ends with 0, which is copied at once.
        return .refused("\(call): \(unsafe String(cString: strerror(code)))")
    }
}
