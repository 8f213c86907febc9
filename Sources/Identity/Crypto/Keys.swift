internal import COpenSSL

/// A P-256 public key that ES256 signatures are checked with; loaded once, used from any thread.
public struct VerifyingKey: Sendable {
    /// The key's name: its RFC 7638 thumbprint unless it was given another.
    public let id: String
    /// The affine coordinates, 32 bytes each.
    let x, y: [UInt8]
    private let handle: KeyHandle

    /// Makes a key from its coordinates; throws `.malformed` unless the point is on the curve.
    public init(x: [UInt8], y: [UInt8], id: String? = nil) throws(IdentityError) {
        guard x.count == 32, y.count == 32 else { throw .malformed("P-256 point") }
        var point = [4] + x + y
        // Unsafe: C copies the array, lent for the call; the handle owns what it returns.
        guard
            let handle = try? unsafe KeyHandle(
                adopting: anyway_p256_from_point(&point, point.count),
                for: .verify
            )
        else { throw .malformed("P-256 point") }
        self.handle = handle
        self.x = x
        self.y = y
        self.id = id ?? Self.thumbprint(x, y)
    }

    /// Whether `signature`, 64 bytes of r and s, is this key's over the bytes.
    public func isValid(signature: [UInt8], for bytes: [UInt8]) -> Bool {
        guard let signature = ECDSASignature(raw: signature) else { return false }
        return isValid(signature, for: bytes[...])
    }

    func isValid(_ signature: ECDSASignature, for bytes: ArraySlice<UInt8>) -> Bool {
        handle.isValid(signature, digest: SHA256.hash(bytes))
    }

    /// RFC 7638: the digest of the required members in lexicographic order.
    private static func thumbprint(_ x: [UInt8], _ y: [UInt8]) -> String {
        let x = Base64.url.encode(x)
        let y = Base64.url.encode(y)
        return Base64.url.encode(
            SHA256.hash(#"{"crv":"P-256","kty":"EC","x":"\#(x)","y":"\#(y)"}"#)
        )
    }
}

/// A P-256 private key that ES256 signatures are made with; never printed, never encoded by chance.
public struct SigningKey: Sendable, CustomStringConvertible {
    /// What others check this key's signatures with; carries the same id.
    public let verifyingKey: VerifyingKey
    let handle: KeyHandle

    /// The key's name: its RFC 7638 thumbprint.
    public var id: String { verifyingKey.id }

    /// The key's name only.
    public var description: String { "SigningKey(\(id))" }

    /// Makes a new key.
    public static func generate() throws(IdentityError) -> SigningKey {
        ERR_clear_error()
        return try SigningKey(unsafe KeyHandle(adopting: anyway_generate_p256(), for: .sign))
    }

    /// Reads a PKCS #8 or SEC 1 key in DER; throws `.malformed` unless it is on P-256.
    public init(der: [UInt8]) throws(IdentityError) {
        ERR_clear_error()
        // Unsafe: C reads the array, lent for the call, and moves only its own copy of the start.
        let key = unsafe der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_AutoPrivateKey(nil, &start, bytes.count)
        }
        try self.init(unsafe Self.adopt(key))
    }

    /// Reads an unencrypted PEM key; throws `.malformed` unless it is on P-256.
    public init(pem: String) throws(IdentityError) {
        ERR_clear_error()
        let file = try MemoryFile(Array(pem.utf8))
        try self.init(unsafe Self.adopt(anyway_read_key_pem(file.bio)))
    }

    /// PKCS #8 DER, unencrypted: a secret.
    public func der() throws(IdentityError) -> [UInt8] {
        let file = try MemoryFile()
        guard unsafe anyway_write_key_der(file.bio, handle.key) == 1 else {
            throw .fromLibrary("encode key")
        }
        return file.contents
    }

    /// PKCS #8 PEM, unencrypted: a secret.
    public func pem() throws(IdentityError) -> String {
        let file = try MemoryFile()
        guard unsafe anyway_write_key_pem(file.bio, handle.key) == 1 else {
            throw .fromLibrary("encode key")
        }
        return String(decoding: file.contents, as: UTF8.self)
    }

    /// 64 bytes of r and s over the bytes' SHA-256.
    public func sign(_ bytes: [UInt8]) throws(IdentityError) -> [UInt8] {
        try handle.sign(digest: SHA256.hash(bytes)).raw
    }

    private init(_ handle: KeyHandle) throws(IdentityError) {
        guard let point = handle.point else { throw .malformed("P-256 private key") }
        self.handle = handle
        verifyingKey = try VerifyingKey(x: Array(point[1..<33]), y: Array(point[33..<65]))
    }

    @unsafe private static func adopt(_ key: OpaquePointer?) throws(IdentityError) -> KeyHandle {
        // Also fails for keys that make no such signatures, Ed25519's for one.
        guard let handle = try? unsafe KeyHandle(adopting: key, for: .sign) else {
            ERR_clear_error()
            throw .malformed("P-256 private key")
        }
        return handle
    }
}
