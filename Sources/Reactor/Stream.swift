import CLinux
import Glibc

/// A TCP connection, with or without TLS, that lives on one event loop.
///
/// Safe to send (`@unchecked Sendable`): every method but `init` runs on the loop's thread, which
/// `Watcher` checks whenever one waits; the rest are constants.
public final class Stream: @unchecked Sendable {
    /// The loop that the connection and everything about it stays on.
    public let loop: EventLoop
    /// The other end.
    public let remote: SocketAddress
    let descriptor: Int32
    /// Who waits for the descriptor.
    public let watcher: Watcher
    private(set) var tls: TLSSession?
    private var isOpen = true
    /// Whether the loop holds something to send at the end of its turn.
    var isPosted = false
    /// What was posted and not taken by the socket.
    var owed: [UInt8] = []

    /// Wraps a connected, non-blocking socket and owns its descriptor.
    ///
    /// Call it on the loop.
    init(descriptor: Int32, loop: EventLoop, remote: SocketAddress?) throws(SocketError) {
        self.descriptor = descriptor
        self.loop = loop
        self.remote = remote ?? .loopback(port: 0)
        do throws(SocketError) {
            watcher = try Watcher(descriptor: descriptor, loop: loop)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        // Without it a small answer waits for the acknowledgement of the one before.
        Self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    }

    deinit {
        guard isOpen else { return }
        let (watcher, descriptor) = (watcher, descriptor)
        loop.execute {
            watcher.close()
            Glibc.close(descriptor)
        }
    }

    /// This end.
    public var local: SocketAddress? {
        unsafe SocketAddress.of(descriptor) { unsafe getsockname($0, $1, $2) }
    }

    /// The SPIFFE URI in the peer's verified certificate; nil without TLS or without a certificate.
    public var peerIdentity: String? { tls?.peerIdentity }

    /// The version of TLS that is spoken, such as `TLSv1.3`; nil without TLS.
    public var tlsVersion: String? { tls?.version }

    /// Whether TLS resumed an earlier session rather than making a new one.
    public var isResumed: Bool { tls?.isResumed ?? false }

    // MARK: Connecting

    /// Connects to `address` from the loop that the task runs on, and shakes hands when `tls` is given.
    ///
    /// - Parameters:
    ///   - serverName: the name that the server's certificate must carry, sent as SNI.
    ///   - identity: the SPIFFE URI that the certificate must carry; then its names do not matter.
    ///   - deadline: for the connection and the handshake together.
    /// - Throws: `.refused` when nobody listens, `.timedOut`, `.cancelled`, `.tls` when the peer
    ///   cannot be trusted, `.system` otherwise. Nothing was sent in any case but `.tls`.
    public static func connect(
        to address: SocketAddress,
        tls context: TLSContext? = nil,
        serverName: String? = nil,
        expecting identity: String? = nil,
        until deadline: Deadline
    ) async throws(SocketError) -> Stream {
        let descriptor = try makeSocket(family: address.family)
        let result = unsafe address.withSockaddr { unsafe Glibc.connect(descriptor, $0, $1) }
        let code = result == 0 ? 0 : errno
        guard code == 0 || code == EINPROGRESS else {
            Glibc.close(descriptor)
            throw failure(code, connecting: address)
        }
        let stream = try Stream(descriptor: descriptor, loop: .required, remote: address)
        do throws(SocketError) {
            if code == EINPROGRESS { try await stream.finishConnecting(until: deadline) }
            if let context {
                let role = TLSSession.Role.client(serverName: serverName, expecting: identity)
                try await stream.startTLS(context, role, until: deadline)
            }
            return stream
        } catch {
            stream.close()
            throw error
        }
    }

    private func finishConnecting(until deadline: Deadline) async throws(SocketError) {
        while true {
            try await watcher.writable(until: deadline)
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else { throw Self.failure(code, connecting: remote) }
            // A wake-up may be spurious: only a connected socket has a peer.
            if unsafe SocketAddress.of(descriptor, { unsafe getpeername($0, $1, $2) }) != nil {
                return
            }
        }
    }

    private static func failure(_ code: Int32, connecting to: SocketAddress) -> SocketError {
        code == ECONNREFUSED
            ? .refused(to.description) : .system(call: "connect \(to)", errno: code)
    }

    // MARK: TLS

    /// Shakes hands as the server.
    ///
    /// - Throws: `.tls` when the client is refused or refuses us, `.timedOut`, `.cancelled`, `.closed`.
    public func acceptTLS(_ context: TLSContext, until deadline: Deadline) async throws(SocketError)
    {
        try await startTLS(context, .server, until: deadline)
    }

    private func startTLS(
        _ context: TLSContext,
        _ role: TLSSession.Role,
        until deadline: Deadline
    ) async throws(SocketError) {
        let session = TLSSession(context: context, descriptor: descriptor, role: role)
        while true {
            switch session.handshake() {
            case .done:
                tls = session
                return
            case .wantRead: try await waitForRecord(until: deadline)
            case .wantWrite: try await watcher.writable(until: deadline)
            case .closed: throw .tls("the peer closed the connection during the handshake")
            case .failed(let reason): throw .tls(reason)
            }
        }
    }

    /// OpenSSL wants more only after the socket said that it has none.
    func waitForRecord(until deadline: Deadline) async throws(SocketError) {
        watcher.readWouldBlock()
        try await watcher.readable(until: deadline)
    }

    // MARK: Reading

    /// Appends what has arrived to `buffer`, waiting when nothing has.
    ///
    /// - Parameter limit: at most this many bytes are read, more than 0.
    /// - Returns: how many bytes were appended; 0 when the peer has finished sending.
    /// - Throws: `.timedOut`, `.cancelled`, `.closed` when reset or closed here, `.tls`, `.system`.
    public func read(
        into buffer: inout ByteBuffer,
        atMost limit: Int = 16384,
        until deadline: Deadline
    ) async throws(SocketError) -> Int {
        while true {
            if owes { try await settle(until: deadline) }
            if let count = try readNow(into: &buffer, atMost: limit) { return count }
            try await waitToRead(until: deadline)
        }
    }

    /// Appends what has arrived to `buffer`, without waiting.
    ///
    /// - Returns: as `read(into:atMost:until:)`, or nil when nothing has arrived: then wait.
    /// - Throws: as `read(into:atMost:until:)`, but for the deadline and cancellation.
    public func readNow(
        into buffer: inout ByteBuffer,
        atMost limit: Int = 16384
    ) throws(SocketError) -> Int? {
        guard isOpen else { throw .closed }
        if let tls { return try readNow(tls, into: &buffer, atMost: limit) }
        guard watcher.mayRead else { return nil }
        var code: Int32 = 0
        var hasEnded = false
        let count = unsafe buffer.append(capacity: limit) { space in
            let count = unsafe attemptRead(space)
            if count < 0 { code = errno }
            hasEnded = count == 0
            return max(0, count)
        }
        if count > 0 || hasEnded { return count }
        switch code {
        case EAGAIN: return nil
        case ECONNRESET, EPIPE: throw .closed
        default: throw .system(call: "recv", errno: code)
        }
    }

    /// Waits until `readNow` is worth another try.
    @inline(__always)
    private func waitToRead(until deadline: Deadline) async throws(SocketError) {
        if readWaitsForWriting {
            readWaitsForWriting = false
            try await watcher.writable(until: deadline)
        } else {
            try await watcher.readable(until: deadline)
        }
    }

    /// Whether TLS must send something before it can read on, such as the answer to a new key.
    public private(set) var readWaitsForWriting = false

    /// One `recv`.
    ///
    /// A short read drained the socket: only a new edge makes another try worthwhile.
    private func attemptRead(_ space: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = unsafe recv(descriptor, space.baseAddress, space.count, 0)
            if count > 0 {
                if count < space.count { watcher.readExhausted() }
                return count
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { watcher.readWouldBlock() }
            return count
        }
    }

    private func readNow(
        _ session: TLSSession,
        into buffer: inout ByteBuffer,
        atMost limit: Int
    ) throws(SocketError) -> Int? {
        readWaitsForWriting = false
        var step = TLSSession.Step.closed
        let count = unsafe buffer.append(capacity: limit) { space in
            unsafe step = session.read(into: space)
            if case .done(let count) = step { return count }
            return 0
        }
        switch step {
        case .done: return count
        case .wantRead: watcher.readWouldBlock()
        case .wantWrite: readWaitsForWriting = true
        case .closed: return 0
        case .failed(let reason): throw .tls(reason)
        }
        return nil
    }

    // MARK: Closing

    /// Tells the peer that nothing more will be sent; reading goes on.
    public func closeWrite() {
        guard isOpen else { return }
        if isPosted { loop.sendPosted() }
        tls?.shutdown()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the connection and wakes whoever waits on it with `.closed`.
    ///
    /// A second call does nothing.
    public func close() { close(orderly: true) }

    func close(orderly: Bool) {
        guard isOpen else { return }
        loop.preconditionIsCurrent()
        if isPosted { loop.sendPosted() }
        isOpen = false
        // `close_notify` says that what was sent is everything (RFC 8446 section 6.1).
        if orderly { tls?.shutdown() }
        watcher.close()
        Glibc.close(descriptor)
    }

    /// Whether `close` has not been called yet.
    public var isClosed: Bool { !isOpen }

    // MARK: Sockets

    static func makeSocket(family: Int32) throws(SocketError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        return descriptor
    }

    static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var one: Int32 = 1
        _ = unsafe setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    }
}
