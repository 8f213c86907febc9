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
        headers.add("x-forwarded-for", chain.joined(separator: ", "))
        headers.add("x-forwarded-proto", scheme)
        if let host { headers.add("x-forwarded-host", host) }
        headers.add("forwarded", forwarded)
        headers.add(.via, (via + ["1.1 anyway"]).joined(separator: ", "))
    }

    /// One element for each hop, the client's first (RFC 7239 section 4).
    private var forwarded: String {
        var elements = chain.map { "for=\(Self.node($0))" }
        if var first = elements.first {
            first += ";proto=\(scheme)"
            if let host { first += ";host=\(Self.quoted(host))" }
            elements[0] = first
        }
        return elements.joined(separator: ", ")
    }

    /// IPv6 goes in brackets, and brackets in quotes (RFC 7239 section 6).
    private static func node(_ address: String) -> String {
        address.contains(":") ? "\"[\(address)]\"" : address
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
