internal import HTTP

/// What a kept answer is found by: scheme, authority, path and query (RFC 9111 section 2).
///
/// Nothing else of a request reaches a service unless the answer's `Vary` names it or the request could
/// change the answer without the service's saying so; what the gateway itself makes of a request, such as
/// `X-Forwarded-Host`, comes from what is in here: scheme and authority are those that services are told,
/// a trusted proxy's word where one brought the request.
struct CacheKey: Sendable, Hashable {
    /// The parts, divided by a byte that can stand in none of them.
    let bytes: [UInt8]
    /// Where in them the path is.
    private let pathRange: Range<Int>
    private let hash: Int

    init(_ request: Request) {
        let told = ClientOrigin.current
        self.init(
            isSecure: told.map { $0.scheme == "https" } ?? request.isSecure,
            host: told?.host ?? request.host ?? "",
            path: request.path,
            query: request.query.text
        )
    }

    init(isSecure: Bool, host: String, path: Path, query: String) {
        let path = path.description
        var bytes: [UInt8] = []
        bytes.reserveCapacity(host.utf8.count + path.utf8.count + query.utf8.count + 3)
        bytes.append(isSecure ? 0x73 : 0x70)
        for byte in host.utf8 { bytes.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
        bytes.append(0)
        let start = bytes.count
        bytes.append(contentsOf: path.utf8)
        let end = bytes.count
        bytes.append(0)
        bytes.append(contentsOf: query.utf8)
        self.init(bytes: bytes, path: start..<end)
    }

    private init(bytes: [UInt8], path: Range<Int>) {
        self.bytes = bytes
        pathRange = path
        var hasher = Hasher()
        // Read inside of the closure only; element by element it would take several times as long.
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hash = hasher.finalize()
    }

    /// The key of one variant, under which its calls are collapsed.
    func narrowed(to variant: Variant) -> CacheKey {
        variant == .any
            ? self : CacheKey(bytes: bytes + [0] + Array(variant.text.utf8), path: pathRange)
    }

    /// The path, normalised.
    var path: String { String(decoding: bytes[pathRange], as: UTF8.self) }

    /// Picks one of so many shards.
    func shard(of count: Int) -> Int { Int(UInt(bitPattern: hash) % UInt(count)) }

    static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.hash == right.hash && left.bytes == right.bytes
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
