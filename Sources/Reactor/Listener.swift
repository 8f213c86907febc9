import CLinux
import Glibc

/// A socket that accepts connections, on one or several loops.
public final class Listener: Sendable {
    /// Where it listens, with the port that the kernel chose when 0 was asked for.
    public let address: SocketAddress
    private let descriptor: Int32

    private init(descriptor: Int32, address: SocketAddress) {
        self.descriptor = descriptor
        self.address = address
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Starts to listen.
    ///
    /// - Parameter backlog: connections the kernel may hold ready; beyond it, new ones wait.
    /// - Throws: `.system` with `EADDRINUSE` when somebody else listens there.
    public static func bind(
        _ address: SocketAddress,
        backlog: Int32 = 1024
    ) throws(SocketError) -> Listener {
        let descriptor = try Stream.makeSocket(family: address.family)
        Stream.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR)
        let bound = unsafe address.withSockaddr { unsafe Glibc.bind(descriptor, $0, $1) }
        guard bound == 0, listen(descriptor, backlog) == 0 else {
            let error = SocketError.last("listen on \(address)")
            Glibc.close(descriptor)
            throw error
        }
        let actual = unsafe SocketAddress.of(descriptor) { unsafe getsockname($0, $1, $2) }
        return Listener(descriptor: descriptor, address: actual ?? address)
    }

    /// Stops listening, on all loops: from now on who connects is refused, and who was not accepted is reset.
    ///
    /// Without it the kernel would go on to take connections that nobody will ever serve, for as long as the
    /// listener lives.
    public func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Begins to accept on the loop that the calling task runs on.
    ///
    /// - Throws: `.system` when epoll refuses the descriptor.
    public func acceptor() throws(SocketError) -> Acceptor {
        let watcher = try Watcher(listening: descriptor, loop: .required)
        return Acceptor(listener: self, descriptor: descriptor, watcher: watcher)
    }
}

/// One loop's share of a listener.
///
/// Safe to send (`@unchecked Sendable`): used on its loop alone, which `Watcher` checks.
public final class Acceptor: @unchecked Sendable {
    private let listener: Listener
    private let descriptor: Int32
    private let watcher: Watcher

    init(listener: Listener, descriptor: Int32, watcher: Watcher) {
        self.listener = listener
        self.descriptor = descriptor
        self.watcher = watcher
    }

    /// Waits for the next connection.
    ///
    /// When the process has no descriptor left it waits a tenth of a second and tries again: those
    /// who wait in the backlog are served once others have gone.
    ///
    /// - Throws: `.cancelled` with the task, `.closed` after `close`.
    public func accept() async throws(SocketError) -> Stream {
        while true {
            if watcher.isClosed { throw .closed }
            var storage = sockaddr_storage()
            let (accepted, remote) = acceptOne(&storage)
            if accepted >= 0 {
                return try Stream(descriptor: accepted, loop: watcher.loop, remote: remote)
            }
            switch errno {
            case EAGAIN:
                watcher.readExhausted()
                try await watcher.readable(until: .never)
            case EINTR, ECONNABORTED, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                try await EventLoop.sleep(for: .milliseconds(100))
            default: throw .last("accept4")
            }
        }
    }

    /// A connection that waits to be accepted, also after `close`; nil when there is none.
    public func acceptNow() -> Stream? {
        var storage = sockaddr_storage()
        let (accepted, remote) = acceptOne(&storage)
        guard accepted >= 0 else { return nil }
        return try? Stream(descriptor: accepted, loop: watcher.loop, remote: remote)
    }

    /// Stops accepting here and wakes a waiting `accept` with `.closed`.
    public func close() {
        watcher.close()
    }

    private func acceptOne(_ storage: inout sockaddr_storage) -> (Int32, SocketAddress?) {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // Safe: sockaddr_storage is large and aligned enough for every family, and its size is told.
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
                let accepted = unsafe accept4(descriptor, address, &length, flags)
                guard accepted >= 0 else { return (accepted, nil) }
                return unsafe (accepted, SocketAddress(address))
            }
        }
    }
}
