internal import HTTP
internal import Reactor

/// Where a request comes from, as services are told: `X-Forwarded-*`, `Forwarded` and `Via`.
struct ClientOrigin: Sendable, Equatable {
    /// What trusted proxies said of the request at hand; nil where there were none.
    @TaskLocal static var current: ClientOrigin?

    /// Addresses from the client to whoever connected to this gateway.
    let chain: [String]
    /// What the client spoke: `http` or `https`.
    let scheme: String
    /// What the client asked for.
    let host: String?
    /// What trusted proxies say of themselves.
    var via: [String] = []

    init(chain: [String], scheme: String, host: String?, via: [String] = []) {
        self.chain = chain
        self.scheme = scheme
        self.host = host
        self.via = via
    }

    /// A request that came from its client without a proxy.
    init(_ request: Request) {
        chain = [request.remote.hostText]
        scheme = request.isSecure ? "https" : "http"
        host = request.host
    }

    /// Adds the fields; those that clients sent under their names are gone by then.
    func add(to headers: inout Headers) {
        headers.add(Names.addresses) { value in
            for (index, address) in chain.enumerated() {
                if index > 0 { value.append(", ") }
                value.append(address)
            }
        }
        headers.add(Names.scheme, scheme)
        if let host { headers.add(Names.host, host) }
        headers.add(Names.forwarded) { addForwarded(to: &$0) }
        headers.add(.via) { value in
            for proxy in via {
                value.append(proxy)
                value.append(", ")
            }
            value.append("1.1 anyway")
        }
    }

    // Made once: every request has them.
    private enum Names {
        static let addresses: HeaderName = "x-forwarded-for"
        static let scheme: HeaderName = "x-forwarded-proto"
        static let host: HeaderName = "x-forwarded-host"
        static let forwarded: HeaderName = "forwarded"
    }

    /// One element for each hop, the client's first (RFC 7239 section 4).
    private func addForwarded(to value: inout FieldValue) {
        for (index, address) in chain.enumerated() {
            if index > 0 { value.append(", ") }
            value.append("for=")
            // IPv6 goes in brackets, and brackets in quotes (RFC 7239 section 6).
            let isBracketed = address.utf8.contains(UInt8(ascii: ":"))
            if isBracketed { value.append("\"[") }
            value.append(address)
            if isBracketed { value.append("]\"") }
            guard index == 0 else { continue }
            value.append(";proto=")
            value.append(scheme)
            guard let host else { continue }
            value.append(";host=")
            value.append(Self.quoted(host))
        }
    }

    /// A value as a token where it is one (RFC 9110 section 5.6.2), or else a quoted string.
    private static func quoted(_ value: String) -> String {
        let isToken = value.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard !isToken else { return value }
        var text = "\""
        for character in value {
            if character == "\"" || character == "\\" { text += "\\" }
            text.append(character)
        }
        return text + "\""
    }
}
