internal import COpenSSL

/// HMAC with SHA-256 (RFC 2104): proves that a message comes from who shares the key.
public enum HMACSHA256 {
    /// The 32-byte tag; compare it with ``constantTimeEqual(_:_:)``.
    public static func tag(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        // Unsafe: C reads key and message and writes 32 bytes, all lent for the call.
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            let tag = unsafe EVP_Q_mac(
                nil,
                "HMAC",
                nil,
                "SHA256",
                nil,
                key,
                key.count,
                message,
                message.count,
                output.baseAddress,
                32,
                nil
            )
            // Nothing but exhausted memory makes it fail, and no answer is a safe one.
            precondition(unsafe tag != nil, "HMAC failed")
            count = 32
        }
    }
}
