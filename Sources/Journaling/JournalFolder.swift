internal import Glibc

/// A folder of journals, one for each process that shares it.
///
/// A process takes the first file that nobody has. What a process left behind that did not come
/// back is taken by another one: after a restart a name or a number may be another's, so only the
/// lock says whose a file is.
public struct JournalFolder: Sendable {
    /// The most processes that can share a folder.
    static let maxFiles = 64

    let path: String

    /// Names a folder; nothing is looked at yet.
    public init(_ path: String) {
        self.path = path
    }

    func file(_ number: Int) -> String { "\(path)/\(number).journal" }

    /// Makes the folder if it is not there, and takes the first free file.
    func takeOwn() throws(JournalError) -> JournalFile {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unusable("\(JournalFile.failure("mkdir \(path)"))")
        }
        do throws(JournalError) {
            for number in 1...Self.maxFiles {
                if let file = try JournalFile.take(file(number), makes: true) {
                    try Self.syncFolder(path)
                    return file
                }
            }
        } catch {
            throw .unusable("\(error)")
        }
        throw .unusable("all \(Self.maxFiles) journals in \(path) are taken")
    }

    /// Takes a file that holds something and that no process has; nil when there is none.
    func takeAbandoned() -> JournalFile? {
        for number in 1...Self.maxFiles where holdsAnything(number) {
            let taken = try? JournalFile.take(file(number), makes: false)
            if let file = taken ?? nil { return file }
        }
        return nil
    }

    private func holdsAnything(_ number: Int) -> Bool {
        let path = file(number)
        return Self.size(path) > 0 || Self.size(JournalFile.keptPath(path)) > 0
    }

    /// Makes the names durable that a file's folder has.
    static func sync(folderOf path: String) throws(JournalError) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        try syncFolder(end == path.startIndex ? "." : String(path[..<end]))
    }

    /// A new file's name must be as durable as its content.
    private static func syncFolder(_ path: String) throws(JournalError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw JournalFile.failure("open \(path)") }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw JournalFile.failure("fsync \(path)") }
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        // Safe: the structure is ours and lent for the call.
        guard unsafe stat(path, &status) == 0 else { return 0 }
        return Int(status.st_size)
    }
}
