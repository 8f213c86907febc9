internal import FoundationEssentials

/// A folder below /tmp for one experiment.
struct OwnFolder: Sendable {
    let path = "/tmp/anyway-experiment-\(UInt64.random(in: 0 ... .max))"

    /// Makes it; a container's user may read what is in it.
    init() throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
    }

    /// Puts a file in it, in place of one of that name, at once and as a whole.
    func write(_ text: String, to name: String) throws {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    }

    /// The text of a file in it; nothing while there is none.
    func read(_ name: String) -> String {
        guard let data = try? Data(contentsOf: URL(filePath: "\(path)/\(name)")) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Takes it away with all that is in it.
    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
