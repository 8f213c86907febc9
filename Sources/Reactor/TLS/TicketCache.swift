internal import CLinux
internal import COpenSSL
internal import Glibc
internal import Synchronization

/// A client's tickets for resuming sessions: at most one per server, each used once.
///
/// Using a ticket once keeps an `SSL_SESSION` in the hands of one connection at a time, which is
/// what makes sharing the cache between loops safe, and is what RFC 8446 appendix C.4 asks for.
final class TicketCache: Sendable {
    /// Whom a ticket is for.
    ///
    /// A session is resumed without a new certificate, so everything that
    /// was verified about the server is part of the key.
    struct Key: Sendable, Hashable {
        let address: [UInt8]
        let serverName: String?
        let expected: String?
        let generation: Int
    }

    /// Owns one reference to an `SSL_SESSION`.
    ///
    /// `@unchecked Sendable`: immutable, and taken out of the cache before it is used.
    @safe final class Ticket: @unchecked Sendable {
        let pointer: OpaquePointer
        init(adopting pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }
        deinit { unsafe SSL_SESSION_free(pointer) }
    }

    private static let limit = 512
    private let tickets = Mutex<[Key: Ticket]>([:])

    func take(_ key: Key) -> Ticket? { tickets.withLock { $0.removeValue(forKey: key) } }

    func put(_ ticket: Ticket, for key: Key) {
        tickets.withLock {
            if $0.count >= Self.limit { $0.removeAll() }
            $0[key] = ticket
        }
    }

    func removeAll() { tickets.withLock { $0.removeAll() } }
}

/// The raw address of the peer of a socket; empty when it has none.
///
/// `unsafe`: the kernel fills a local of the size it is told.
func peerAddressBytes(of descriptor: Int32) -> [UInt8] {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
        let found = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe getpeername(descriptor, $0, &length) == 0
        }
        guard found else { return [] }
        let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        return unsafe Array(UnsafeRawBufferPointer(start: pointer, count: count))
    }
}

/// OpenSSL calls this on the connection's own loop, from within a read, for each ticket received.
let keepTicket: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { ssl, session in
    guard let ssl = unsafe ssl, let session = unsafe session,
        let owner = unsafe SSL_get_ex_data(ssl, 0)
    else { return 0 }
    // Not retained: the owner frees `ssl` before it goes away.
    let connection = unsafe Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue()
    unsafe connection.keep(session: session)
    // The reference stays OpenSSL's.
    return 0
}
