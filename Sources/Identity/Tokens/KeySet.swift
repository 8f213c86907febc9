/// The public keys that a verifier believes, as a JWK Set (RFC 7517): P-256 signature keys only.
public struct KeySet: Sendable {
    /// In the order given; names are unique.
    public let keys: [VerifyingKey]

    /// The most keys and bytes that are read from a set.
    static let maximumKeys = 32
    static let maximumBytes = 65_536

    /// A set of these keys.
    public init(_ keys: [VerifyingKey]) { self.keys = keys }

    /// Reads a JWK Set.
    ///
    /// Keys of another kind are skipped (RFC 7517 section 5); throws
    /// `.malformed` if it is no key set, names a key twice, or carries a private key.
    public init(json: [UInt8]) throws(IdentityError) {
        guard json.count <= Self.maximumBytes,
            case .array(let entries)? = StrictJSON(json)?.members?["keys"],
            entries.count <= Self.maximumKeys
        else { throw .malformed("key set") }
        var keys: [VerifyingKey] = []
        for entry in entries {
            guard let members = entry.members, members["d"] == nil else {
                throw .malformed("key set")
            }
            guard let key = Self.key(members) else { continue }
            guard !keys.contains(where: { $0.id == key.id }) else { throw .malformed("key set") }
            keys.append(key)
        }
        self.keys = keys
    }

    /// The JWK Set document.
    public func json() -> [UInt8] {
        let entries = keys.map { key in
            let x = Base64.url.encode(key.x)
            let y = Base64.url.encode(key.y)
            return #"{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"\#(key.id)","#
                + #""x":"\#(x)","y":"\#(y)"}"#
        }
        return Array(#"{"keys":[\#(entries.joined(separator: ","))]}"#.utf8)
    }

    private static func key(_ members: [String: StrictJSON]) -> VerifyingKey? {
        guard members["kty"]?.text == "EC", members["crv"]?.text == "P-256",
            members["use"] == nil || members["use"]?.text == "sig",
            members["alg"] == nil || members["alg"]?.text == "ES256",
            let id = members["kid"]?.text, TokenVerifier.isKeyName(id),
            let x = members["x"]?.text.flatMap({ Base64.url.decode($0) }),
            let y = members["y"]?.text.flatMap({ Base64.url.decode($0) })
        else { return nil }
        return try? VerifyingKey(x: x, y: y, id: id)
    }
}
