internal import COpenSSL
internal import Glibc
internal import Synchronization

/// Certificates, key and trust for any number of TLS connections of one role.
///
/// Safe to share between loops. `reload()` swaps in new files for connections made from then on;
/// those already open keep what they were made with.
public final class TLSContext: Sendable {
    enum Role: Sendable { case server, client }

    let configuration: TLSConfiguration
    let role: Role
    /// One ticket per server for the next connection to it (clients only).
    let tickets = TicketCache()
    private let current: Mutex<Loaded>

    private struct Loaded: Sendable {
        var handle: ContextHandle
        var stamps: [FileStamp]
    }

    /// Makes the context of a server; needs a certificate, its key, and a CA if `requirePeer`.
    public static func server(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
        try TLSContext(configuration, role: .server)
    }

    /// Makes the context of a client; a certificate and key are needed only if `requirePeer`.
    public static func client(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
        try TLSContext(configuration, role: .client)
    }

    private init(_ configuration: TLSConfiguration, role: Role) throws(TLSError) {
        // Sessions write through SSL_set_fd, that is with write(2), which raises SIGPIPE when the
        // peer is gone; no server can live with that signal's default.
        signal(SIGPIPE, SIG_IGN)
        self.configuration = configuration
        self.role = role
        current = Mutex(try Self.load(configuration, role, generation: 0))
    }

    /// Reads the files again; on failure the old certificates stay in use and the error says why.
    public func reload() throws(TLSError) {
        let generation = handle.generation + 1
        let fresh = try Self.load(configuration, role, generation: generation)
        current.withLock { $0 = fresh }
        tickets.removeAll()
    }

    /// Reloads if any of the files changed since it was last read; true if it did.
    ///
    /// Cheap enough to call every few seconds: one `stat` call for each file.
    public func reloadIfChanged() throws(TLSError) -> Bool {
        let stamps = Self.stamps(configuration)
        guard current.withLock({ $0.stamps != stamps }) else { return false }
        try reload()
        return true
    }

    /// When the first of the certificates that this side shows ends, those of chains and sites
    /// included, in seconds since 1970; nil when it shows none.
    public var certificateEnd: Int64? { handle.certificateEnd }

    /// The context of connections made now.
    var handle: ContextHandle { current.withLock { $0.handle } }

    private static func load(
        _ configuration: TLSConfiguration,
        _ role: Role,
        generation: Int
    ) throws(TLSError) -> Loaded {
        // Stamped before reading: a file replaced in between looks changed and is read again.
        let stamps = stamps(configuration)
        let handle = try ContextHandle.complete(configuration, role, generation: generation)
        return Loaded(handle: handle, stamps: stamps)
    }

    /// A folder that cannot be read has no files, so that the reload it causes says why.
    private static func stamps(_ configuration: TLSConfiguration) -> [FileStamp] {
        var paths = [configuration.certificateFile, configuration.keyFile, configuration.caFile]
            .compactMap(\.self)
        if let folder = configuration.sitesFolder {
            for pair in (try? SiteFiles.pairs(in: folder)) ?? [] {
                paths += [pair.certificate, pair.key]
            }
        }
        return paths.map(FileStamp.init)
    }
}

/// Tells one version of a file from another.
///
/// `unsafe`: `stat` fills a local.
private struct FileStamp: Sendable, Equatable {
    let path: String
    let inode: UInt
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init(path: String) {
        self.path = path
        var info = stat()
        let found = unsafe stat(path, &info) == 0
        inode = found ? UInt(info.st_ino) : 0
        size = found ? Int(info.st_size) : -1
        seconds = found ? info.st_mtim.tv_sec : 0
        nanoseconds = found ? info.st_mtim.tv_nsec : 0
    }
}
