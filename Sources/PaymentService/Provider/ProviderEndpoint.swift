/// Where the payment provider is: the host and port of an `https://` or `http://` URL.
struct ProviderEndpoint: Sendable, Equatable {
    let host: String
    let port: UInt16
    /// Whether TLS is spoken, and the provider's certificate must name `host`.
    let isSecure: Bool

    /// What a client sends as `Host` (RFC 9110 section 7.2).
    var authority: String {
        (host.contains(":") ? "[\(host)]" : host) + (port == standardPort ? "" : ":\(port)")
    }

    private var standardPort: UInt16 { isSecure ? 443 : 80 }

    /// Takes `https://host`, `http://host:port` or `http://[::1]:port`, with nothing behind it but `/`.
    init?(url: String) {
        guard let scheme = ["https://", "http://"].first(where: { url.hasPrefix($0) }),
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        isSecure = scheme == "https://"
        var rest = url.dropFirst(scheme.count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains(where: { "/?#@\\".contains($0) }) else { return nil }
        let host: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        guard !rest.isEmpty else {
            port = isSecure ? 443 : 80
            return
        }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        self.port = port
    }
}
