internal import Reactor

/// Where the gateway is: on this machine, or a container beside this one.
struct ShopAddress: Sendable, Equatable {
    var host = "127.0.0.1"
    var port: UInt16 = 8080

    init() {}

    /// One that is known already.
    init(_ address: SocketAddress) {
        (host, port) = (address.hostText, address.port)
    }

    /// Reads `http://HOST:PORT`; nil for anything that could be somebody else's machine.
    ///
    /// A name without a dot is a container's, which `resolve` makes sure of.
    init?(_ text: String) {
        guard text.hasPrefix("http://") else { return nil }
        let parts = text.dropFirst(7).split(separator: "/").first?.split(separator: ":") ?? []
        guard parts.count == 2, let name = parts.first, let number = parts.last,
            let port = UInt16(number), !name.contains(".") || name.hasPrefix("127.")
        else { return nil }
        host = name == "localhost" ? "127.0.0.1" : String(name)
        self.port = port
    }

    /// The address.
    ///
    /// - Throws: when there is none, or it is one of the public internet.
    func resolve() async throws -> SocketAddress {
        let found: [SocketAddress]
        do throws(SocketError) {
            found = try await SocketAddress.resolve(
                host: host,
                port: port,
                until: .after(.seconds(10))
            )
        } catch {
            throw Shop.Failed(description: "where '\(host)' is cannot be found out: \(error)")
        }
        guard let address = found.first(where: { Self.isNear($0.hostText) }) else {
            throw Shop.Failed(
                description: "'\(host)' is no address of this machine or its containers"
            )
        }
        return address
    }

    /// Whether the address is a loopback or a private one (RFC 1918).
    static func isNear(_ address: String) -> Bool {
        let parts = address.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return address == "::1" }
        return switch (parts[0], parts[1]) {
        case (127, _), (10, _), (192, 168), (172, 16...31): true
        default: false
        }
    }
}
