internal import COpenSSL

/// SHA-256, and comparing secrets in constant time.
public enum SHA256 {
    /// The 32-byte digest (FIPS 180-4).
    public static func hash(_ bytes: [UInt8]) -> [UInt8] { hash(bytes[...]) }

    /// The 32-byte digest of the text's UTF-8.
    public static func hash(_ text: String) -> [UInt8] {
        let utf8 = text.utf8
        // Nearly every string's bytes lie in one piece already.
        return unsafe utf8.withContiguousStorageIfAvailable {
            unsafe hash(UnsafeRawBufferPointer($0))
        }
            ?? hash(Array(utf8)[...])
    }

    /// The 32-byte digest (FIPS 180-4).
    public static func hash(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe hash($0) }
    }

    /// The digest of some bytes, as a key for tables.
    public static func digest(_ bytes: Span<UInt8>) -> Digest {
        var digest = Digest()
        // Unsafe: the bytes and the digest are lent for the calls.
        unsafe bytes.withUnsafeBytes { input in
            unsafe withUnsafeMutableBytes(of: &digest) { unsafe hash(input, into: $0) }
        }
        return digest
    }

    /// A digest without memory of its own.
    public struct Digest: Sendable, Hashable {
        private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        fileprivate init() {}

        /// Which one of so many tables it belongs to.
        public func shard(of count: Int) -> Int { Int(words.3 % UInt64(max(1, count))) }

        /// Whether both are of the same bytes.
        public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

        /// Feeds the first eight bytes to the hasher: they are as spread as any.
        public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
    }

    private static func hash(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        // Unsafe: C reads the bytes and writes 32 into what there is room for.
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            unsafe hash(input, into: UnsafeMutableRawBufferPointer(output))
            count = 32
        }
    }

    /// Writes the 32 bytes to the beginning of `output`.
    private static func hash(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count >= 32, "a digest has 32 bytes")
        let result = unsafe EVP_Digest(
            input.baseAddress,
            input.count,
            output.baseAddress,
            nil,
            DigestAlgorithm.sha256.pointer,
            nil
        )
        // Nothing but exhausted memory makes it fail, and no answer is a safe one.
        precondition(result == 1, "SHA-256 failed")
    }
}

/// Whether two byte strings are equal, in time that depends on their lengths only.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    // Unsafe: C reads both arrays, lent for the call and equally long.
    return unsafe CRYPTO_memcmp(left, right, left.count) == 0
}

/// A digest algorithm, fetched once: OpenSSL 3 looks it up by name in every call otherwise.
///
/// `@unchecked Sendable`: an immutable object of OpenSSL's, never freed.
@safe struct DigestAlgorithm: @unchecked Sendable {
    let pointer: OpaquePointer

    static let sha256: DigestAlgorithm = {
        guard let pointer = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("this OpenSSL has no SHA-256")
        }
        return unsafe DigestAlgorithm(pointer: pointer)
    }()
}
