internal import Glibc

/// The two listeners of one process, on loopback.
struct PortPair: Codable, Hashable {
    var listen: UInt16
    var admin: UInt16
}

/// Loopback ports that nobody listens on.
///
/// They are taken from below the kernel's range for outgoing connections: otherwise some client's
/// connection could sit on a killed service's port just when it comes back.
enum Ports {
    /// Whether a listener could be bound there now.
    static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        // Safe: yes and the address outlive their calls, and the sizes are theirs.
        unsafe setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_REUSEADDR,
            &yes,
            socklen_t(MemoryLayout<Int32>.size)
        )
        let bound = unsafe LoopbackAddress(port: port).with { address, length in
            unsafe bind(descriptor, address, length)
        }
        return bound == 0 && Glibc.listen(descriptor, 1) == 0
    }

    /// A free port that is not among `taken`.
    static func choose(
        avoiding taken: Set<UInt16>,
        isFree: (UInt16) -> Bool = Ports.isFree
    ) throws(StackError) -> UInt16 {
        let range = candidates(ephemeral: Files.text("/proc/sys/net/ipv4/ip_local_port_range"))
        for _ in 0..<2_000 {
            let port = UInt16.random(in: range)
            if !taken.contains(port) && isFree(port) { return port }
        }
        throw .unavailable(
            "no free loopback port between \(range.lowerBound) and \(range.upperBound)"
        )
    }

    /// Where to look, given the text of ip_local_port_range.
    static func candidates(ephemeral: String?) -> ClosedRange<UInt16> {
        let numbers = (ephemeral ?? "").split(whereSeparator: {
            $0 == "\t" || $0 == " " || $0 == "\n"
        })
        let lowest = numbers.first.flatMap { UInt16($0) } ?? 32_768
        // A machine that hands out nearly everything leaves no better choice than its own range.
        guard lowest > 12_000 else { return 20_000...60_000 }
        return 10_240...min(lowest - 1, 32_767)
    }
}

/// 127.0.0.1 and a port, as the socket calls want it.
struct LoopbackAddress {
    let port: UInt16

    /// Lends the address for one call.
    func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = MemoryLayout<sockaddr_in>.size
        // Safe: sockaddr_in begins as sockaddr does; the length says how much may be read.
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(size))
            }
        }
    }
}
