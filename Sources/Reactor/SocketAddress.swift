import CLinux
import Glibc

/// An IPv4 or IPv6 address and a port.
public struct SocketAddress: Sendable, Hashable {
    private enum Host: Hashable {
        case v4(UInt32)
        case v6(UInt64, UInt64, scope: UInt32)
    }

    private let host: Host
    /// The port, in the host's byte order; 0 asks the kernel to choose one when listening.
    public let port: UInt16

    /// The loopback address of IPv4, `127.0.0.1`.
    public static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian), port: port)
    }

    private init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads a literal address (`127.0.0.1`, `::1`); a name is not looked up here.
    ///
    /// - Throws: `.addressInvalid` when `literal` is neither an IPv4 nor an IPv6 address.
    public init(literal: String, port: UInt16) throws(SocketError) {
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, literal, &v4) == 1 {
            self.init(host: .v4(v4.s_addr), port: port)
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, literal, &v6) == 1 else {
            throw .addressInvalid(literal)
        }
        self.init(v6: v6, scope: 0, port: port)
    }

    /// An address of IPv4 that is written as IPv6, as a listener for both gets it, is one of IPv4: else all of
    /// them would be one network, and each have two names.
    private init(v6: in6_addr, scope: UInt32, port: UInt16) {
        // Safe: in6_addr is 16 plain bytes, the size of the pair.
        let halves = unsafe unsafeBitCast(v6, to: (UInt64, UInt64).self)
        let low = UInt64(bigEndian: halves.1)
        if halves.0 == 0, low >> 32 == 0xFFFF {
            let bits = UInt32(truncatingIfNeeded: low).bigEndian
            self.init(host: .v4(bits), port: port)
            return
        }
        self.init(host: .v6(halves.0, halves.1, scope: scope), port: port)
    }

    /// Looks up `host`, a literal or a name, on the blocking pool.
    ///
    /// - Returns: its addresses in the resolver's order; at least one.
    /// - Throws: `.unresolved` when the name has none, `.overloaded` when the pool is full, `.timedOut`
    ///   and `.cancelled` when somebody waits no longer.
    public static func resolve(
        host: String,
        port: UInt16,
        until deadline: Deadline = .never
    ) async throws(SocketError) -> [SocketAddress] {
        if let literal = try? SocketAddress(literal: host, port: port) { return [literal] }
        if host == "localhost" { return [.loopback(port: port)] }
        let found =
            deadline == .never
            ? try await lookUps.run { lookUp(host, port: port) }
            : try await lookUps.run(until: deadline) { lookUp(host, port: port) }
        guard !found.isEmpty else { throw .unresolved(host) }
        return found
    }

    /// Threads for look-ups alone: a name server that hangs keeps each of them for as long as the C library is
    /// patient, and a journal must be written meanwhile.
    private static let lookUps = BlockingPool(name: "names", maxThreads: 2, maxQueued: 64)

    private static func lookUp(_ host: String, port: UInt16) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        // Safe: the list is walked before it is freed, and only what the resolver filled is read.
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            if let address = unsafe SocketAddress(current.pointee.ai_addr, port: port),
                !found.contains(address)
            {
                found.append(address)
            }
            unsafe entry = current.pointee.ai_next
        }
        return found
    }

    /// Whom the address stands for: itself, or the /64 that an IPv6 subscriber has to himself; port 0.
    public var network: SocketAddress {
        switch host {
        case .v4: SocketAddress(host: host, port: 0)
        case .v6(let high, _, _): SocketAddress(host: .v6(high, 0, scope: 0), port: 0)
        }
    }

    /// The address in network order, 4 bytes or 16; 4 for one of IPv4 that is written as IPv6.
    public var octets: [UInt8] {
        switch host {
        case .v4(let bits): Self.octets(of: bits)
        case .v6(let high, let low, _): Self.octets(of: high) + Self.octets(of: low)
        }
    }

    /// The bytes of a number as they lie in memory, which here is network order.
    private static func octets(of number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map {
            UInt8(truncatingIfNeeded: number.littleEndian >> ($0 * 8))
        }
    }

    // MARK: The kernel's form

    /// AF_INET or AF_INET6.
    var family: Int32 {
        switch host {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }

    /// Reads what the kernel filled in; `port` replaces the one in the structure when given.
    init?(_ pointer: UnsafePointer<sockaddr>?, port override: UInt16? = nil) {
        guard let pointer = unsafe pointer else { return nil }
        // Safe: the family says which structure lies behind the pointer (socket address rules).
        switch unsafe Int32(pointer.pointee.sa_family) {
        case AF_INET:
            let address = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self)
            self.init(
                host: .v4(address.sin_addr.s_addr),
                port: override ?? UInt16(bigEndian: address.sin_port)
            )
        case AF_INET6:
            let address = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in6.self)
            self.init(
                v6: address.sin6_addr,
                scope: address.sin6_scope_id,
                port: override ?? UInt16(bigEndian: address.sin6_port)
            )
        default:
            return nil
        }
    }

    /// Lends the kernel's form for one call.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch host {
        case .v4(let bits):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = bits
            return unsafe Self.lend(&address, body)
        case .v6(let high, let low, let scope):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            // Safe: the pair is 16 plain bytes, the size of in6_addr.
            address.sin6_addr = unsafe unsafeBitCast((high, low), to: in6_addr.self)
            address.sin6_scope_id = scope
            return unsafe Self.lend(&address, body)
        }
    }

    private static func lend<Address, Result>(
        _ address: inout Address,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        // Safe: every socket address begins as `sockaddr` does; the true size goes along.
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// Asks the kernel for an address of `descriptor`: `getsockname` or `getpeername`.
    static func of(
        _ descriptor: Int32,
        _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // Safe: sockaddr_storage is large and aligned enough for every family, and its size is told.
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe ask(descriptor, address, &length) == 0 else { return nil }
                return unsafe SocketAddress(address)
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The address without its port: `127.0.0.1`, `::1`.
    public var hostText: String {
        if case .v4(let bits) = host { return Self.dotted(UInt32(bigEndian: bits), port: nil) }
        // Safe: inet_ntop writes at most the buffer's size, NUL included.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let base = text.baseAddress else { return "?" }
            guard case .v6(let high, let low, _) = host else { return "?" }
            var halves = (high, low)
            guard unsafe inet_ntop(AF_INET6, &halves, base, 64) != nil else { return "?" }
            return unsafe String(cString: base)
        }
    }

    /// Four numbers with dots between: each access log line has some, and `inet_ntop` formats like `printf`.
    private static func dotted(_ bits: UInt32, port: UInt16?) -> String {
        // Up to 15 bytes need no memory beyond the string itself, and few addresses have a port besides.
        let room = 15 + (port == nil ? 0 : 6) - spare(bits)
        // Safe: at most 15 bytes are written for the numbers and 6 for the port, less those that short
        // numbers leave; their count is told.
        return unsafe String(unsafeUninitializedCapacity: room) { text in
            var count = 0
            func append(_ byte: UInt8) {
                unsafe text[count] = byte
                count += 1
            }
            var rest = bits
            for place in 0..<4 {
                let number = UInt8(truncatingIfNeeded: rest >> 24)
                rest <<= 8
                if place > 0 { append(0x2E) }
                if number >= 100 { append(0x30 + number / 100) }
                if number >= 10 { append(0x30 + number / 10 % 10) }
                append(0x30 + number % 10)
            }
            guard let port else { return count }
            append(0x3A)
            var divisor: UInt16 = 1
            while port / divisor >= 10 { divisor *= 10 }
            while divisor > 0 {
                append(0x30 + UInt8(truncatingIfNeeded: port / divisor % 10))
                divisor /= 10
            }
            return count
        }
    }

    /// How many of the twelve digits that four numbers can have are missing.
    private static func spare(_ bits: UInt32) -> Int {
        var spare = 0
        for shift: UInt32 in [0, 8, 16, 24] {
            let number = bits >> shift & 0xFF
            spare += (number < 10 ? 1 : 0) + (number < 100 ? 1 : 0)
        }
        return spare
    }

    /// `host:port`, with brackets around an IPv6 host.
    public var description: String {
        switch host {
        case .v4(let bits): Self.dotted(UInt32(bigEndian: bits), port: port)
        case .v6: "[\(hostText)]:\(port)"
        }
    }
}
