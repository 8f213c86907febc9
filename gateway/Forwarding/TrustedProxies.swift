internal import HTTP
internal import Reactor

/// A range of addresses, such as `10.0.0.0/8` (RFC 4632 section 3.1).
struct AddressRange: Sendable, Equatable {
    private let octets: [UInt8]
    private let bits: Int

    /// Reads a range, or an address that stands for itself; nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first,
            let address = try? SocketAddress(literal: String(first), port: 0)
        else { return nil }
        octets = address.octets
        guard parts.count == 2 else {
            bits = octets.count * 8
            return
        }
        guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(parts[1]),
            bits <= octets.count * 8
        else { return nil }
        self.bits = bits
    }

    func contains(_ address: SocketAddress) -> Bool {
        let other = address.octets
        guard other.count == octets.count else { return false }
        let whole = bits / 8
        guard other.prefix(whole).elementsEqual(octets.prefix(whole)) else { return false }
        guard bits % 8 > 0, whole < octets.count else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> (bits % 8))
        return other[whole] & mask == octets[whole] & mask
    }
}

/// The proxies before this gateway whose word on where a request comes from is believed.
///
/// They say it in `X-Forwarded-For`, `-Proto` and `-Host`, and each appends to what it got. Their
/// `Forwarded` is not read: most proxies hand on what clients wrote there.
struct TrustedProxies: Sendable, Equatable {
    /// The most addresses of a chain that are looked at.
    static let maxHops = 16

    let ranges: [AddressRange]

    /// Reads a list such as `10.0.0.0/8,fd00::/8`; nil when a part is no range.
    init?(_ text: String) {
        var ranges: [AddressRange] = []
        for part in text.split(separator: ",") {
            guard let range = AddressRange(Self.trimmed(part)) else { return nil }
            ranges.append(range)
        }
        guard !ranges.isEmpty else { return nil }
        self.ranges = ranges
    }

    /// Lets what is inside see the client in place of the proxy that connected.
    func wrap(_ next: @escaping Handler) -> Handler {
        { request throws(Problem) in
            guard let (origin, client) = origin(of: request) else { return try await next(request) }
            let seen = request.coming(from: client)
            let result: Result<Response, Problem> = await ClientOrigin.$current.withValue(origin) {
                do throws(Problem) { return .success(try await next(seen)) } catch {
                    return .failure(error)
                }
            }
            return try result.get()
        }
    }

    /// Where a request comes from by what trusted proxies say; nil when none brought it.
    ///
    /// The list is read from its end, which the nearest proxy wrote: the first address that is not
    /// trusted is the client, and what stands before it is the client's own word.
    func origin(of request: Request) -> (ClientOrigin, SocketAddress)? {
        guard isTrusted(request.remote) else { return nil }
        var rest = request.headers.all("x-forwarded-for")
            .flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        var client = request.remote
        var chain = [client]
        while isTrusted(client), chain.count < Self.maxHops, let last = rest.popLast(),
            let address = Self.address(Self.trimmed(last))
        {
            client = address
            chain.insert(address, at: 0)
        }
        let direct = ClientOrigin(request)
        let scheme = request.headers.all("x-forwarded-proto").last?.lowercased()
        let host = request.headers.all("x-forwarded-host").last
        let origin = ClientOrigin(
            chain: chain.map(\.hostText),
            scheme: scheme.flatMap { ["http", "https"].contains($0) ? $0 : nil } ?? direct.scheme,
            host: host.flatMap { Self.isHost($0) ? $0 : nil } ?? direct.host,
            via: request.headers.all(.via)
        )
        return (origin, client)
    }

    private func isTrusted(_ address: SocketAddress) -> Bool {
        ranges.contains { $0.contains(address) }
    }

    /// An address as proxies write it: some add a port, and brackets around IPv6.
    private static func address(_ text: Substring) -> SocketAddress? {
        var host = text
        if host.hasPrefix("["), let end = host.lastIndex(of: "]") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.lastIndex(of: ":"), host.firstIndex(of: ":") == colon {
            host = host[..<colon]
        }
        return try? SocketAddress(literal: String(host), port: 0)
    }

    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
                case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
                default: false
                }
            }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
