internal import Glibc

/// Files and folders as `stack` uses them: small, whole, and with the permissions said out loud.
///
/// Safe: every path is a Swift string, which Swift lends to the kernel as a terminated copy for the
/// length of the call; that is all that `unsafe` before a call with a path stands for.
enum Files {
    /// Makes a folder and its parents; an existing one is fine.
    static func makeFolder(_ path: String, mode: mode_t = 0o755) throws(StackError) {
        if isFolder(path) { return }
        if let parent = parent(of: path), parent != path { try makeFolder(parent) }
        guard unsafe mkdir(path, mode) == 0 || (errno == EEXIST && isFolder(path)) else {
            throw SystemCall.failure("mkdir \(path)")
        }
        // The umask may have taken bits away that another user needs, or none that it should.
        guard unsafe chmod(path, mode) == 0 else { throw SystemCall.failure("chmod \(path)") }
    }

    /// The whole file; nil when there is none or it cannot be read.
    static func read(_ path: String, limit: Int = 64 << 20) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return read(descriptor, limit: limit)
    }

    /// What a file holds from an offset on.
    static func read(_ path: String, from offset: Int) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        guard lseek(descriptor, offset, SEEK_SET) >= 0 else { return [] }
        return read(descriptor) ?? []
    }

    /// What is left to read from a descriptor.
    static func read(_ descriptor: Int32, limit: Int = 64 << 20) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < limit {
            let size = chunk.count
            // Safe: the kernel writes at most size bytes into chunk, which holds that many.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, size)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    /// The whole file as text.
    static func text(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Replaces the file in one step: readers see the old or the new text, never half of one.
    static func replace(
        _ path: String,
        with text: String,
        mode: mode_t = 0o600
    ) throws(StackError) {
        let draft = "\(path).new"
        unsafe unlink(draft)
        let descriptor = unsafe open(
            draft,
            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
            mode
        )
        guard descriptor >= 0 else { throw SystemCall.failure("write \(draft)") }
        defer { close(descriptor) }
        try write(Array(text.utf8), to: descriptor)
        guard unsafe rename(draft, path) == 0 else { throw SystemCall.failure("rename \(draft)") }
    }

    /// Writes all bytes or throws.
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(StackError) {
        var sent = 0
        while sent < bytes.count {
            // Safe: the kernel reads from within bytes, whose count bounds the slice.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemCall.failure("write") }
            sent += count
        }
    }

    /// Names in a folder, sorted; none when it cannot be read.
    static func names(in folder: String) -> [String] {
        // Safe: the directory stream is closed before return, and each entry is copied before the
        // next is read.
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether the path is a folder, links followed.
    static func isFolder(_ path: String) -> Bool {
        status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    /// Whether we may run the file.
    static func isExecutable(_ path: String) -> Bool {
        unsafe access(path, X_OK) == 0 && !isFolder(path)
    }

    /// What the kernel knows about a path; the link itself when `follow` is false.
    static func status(_ path: String, follow: Bool = true) -> stat? {
        var info = stat()
        // Safe: info outlives the call that fills it.
        let result = unsafe follow ? stat(path, &info) : lstat(path, &info)
        return result == 0 ? info : nil
    }

    /// Where a symbolic link points, such as /proc/self/exe.
    static func destination(ofLink path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let size = buffer.count
        // Safe: readlink writes at most size bytes into buffer and says how many.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), size)
        }
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The path from the root, without `.`, `..` and doubled slashes; links stay.
    static func absolute(_ path: String) -> String {
        var whole = path
        if !path.hasPrefix("/") {
            whole = (destination(ofLink: "/proc/self/cwd") ?? "") + "/" + path
        }
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The folder that holds the path.
    static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension Files {
    /// Removes a file, a link or a whole folder; nothing there is fine.
    ///
    /// Links are not followed.
    static func remove(_ path: String) throws(StackError) {
        guard let info = status(path, follow: false) else { return }
        if info.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { try remove("\(path)/\(name)") }
            guard unsafe rmdir(path) == 0 else { throw SystemCall.failure("rmdir \(path)") }
        } else {
            guard unsafe unlink(path) == 0 else { throw SystemCall.failure("remove \(path)") }
        }
    }
}
