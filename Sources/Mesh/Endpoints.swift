/// Where an upstream's instances are, as configured: `host:port,host:port`, or a DNS name with a port.
///
/// A host that is no address literal is resolved again from time to time, and each of its addresses
/// is an instance.
public struct Endpoints: Sendable, Equatable {
    /// One host and port as written.
    public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
        /// A name or an address literal, without brackets.
        public let host: String
        /// 1 to 65535.
        public let port: UInt16

        /// As it is written in configuration.
        public var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Why a text names no endpoints.
    public enum Invalid: Error, Equatable, CustomStringConvertible {
        /// There is no endpoint in it.
        case empty
        /// This part is not `host:port`.
        case notHostAndPort(String)
        /// This part's port is not within 1 to 65535.
        case port(String)

        /// One line for the person who configures.
        public var description: String {
            switch self {
            case .empty: "names no endpoint"
            case .notHostAndPort(let part): "'\(part)' is not host:port"
            case .port(let part): "the port of '\(part)' is not within 1 to 65535"
            }
        }
    }

    /// In the order written, each once.
    public let all: [Endpoint]

    /// Reads a list separated by commas; white space around a part is ignored.
    public init(_ text: String) throws(Invalid) {
        var all: [Endpoint] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let part = Self.trimmed(part)
            guard !part.isEmpty else { continue }
            let endpoint = try Self.endpoint(part)
            if !all.contains(endpoint) { all.append(endpoint) }
        }
        guard !all.isEmpty else { throw .empty }
        self.all = all
    }

    private static func endpoint(_ part: Substring) throws(Invalid) -> Endpoint {
        guard let colon = part.lastIndex(of: ":") else { throw .notHostAndPort(String(part)) }
        var host = part[..<colon]
        let digits = part[part.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .notHostAndPort(String(part))
        }
        guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else {
            throw .notHostAndPort(String(part))
        }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
            port > 0
        else { throw .port(String(part)) }
        return Endpoint(host: String(host), port: port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"): true
        case UInt8(ascii: "%"): true  // The zone of a link-local address.
        default: false
        }
    }

    private static func trimmed(_ part: Substring) -> Substring {
        var part = part.drop { $0 == " " || $0 == "\t" }
        while part.last == " " || part.last == "\t" { part.removeLast() }
        return part
    }
}
