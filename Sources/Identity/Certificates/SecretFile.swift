internal import Glibc

/// Files that must never be readable by others, not even while they are being written.
public enum SecretFile {
    /// Writes a file, complete or not at all, with these permissions whatever the umask.
    ///
    /// Made under another name next to it and moved into place, so a reader never sees half of
    /// it and a process that reloads never fails for it. `unsafe`: C reads what it is lent.
    public static func write(
        _ text: String,
        to path: String,
        mode: UInt32 = 0o600
    ) throws(IdentityError) {
        let temporary = "\(path).\(SecureRandom.token(bytes: 6))"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let descriptor = unsafe open(temporary, flags, mode_t(0o600))
        guard descriptor >= 0 else { throw failure(path) }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        let complete =
            written == bytes.count && fchmod(descriptor, mode_t(mode)) == 0
            && fsync(descriptor) == 0
        let error = failure(path)
        close(descriptor)
        guard complete, unsafe rename(temporary, path) == 0 else {
            let reason = complete ? failure(path) : error
            unsafe unlink(temporary)
            throw reason
        }
    }

    private static func failure(_ path: String) -> IdentityError {
        let code = errno
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) }
        return .file(path: path, reason: reason ?? "errno \(code)")
    }
}
