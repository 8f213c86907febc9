internal import COpenSSL

/// Unpredictable bytes from OpenSSL's generator, which the kernel seeds.
public enum SecureRandom {
    /// So many random bytes; ends the process if there are none to be had, for nothing is safe then.
    public static func bytes(_ count: Int) -> [UInt8] {
        // Unsafe: C fills exactly the capacity lent for the call.
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let result = unsafe RAND_bytes(buffer.baseAddress, Int32(count))
            precondition(result == 1, "no randomness")
            initialized = count
        }
    }

    /// A base64url token of so many random bytes, 32 unless told: 43 characters.
    public static func token(bytes count: Int = 32) -> String { Base64.url.encode(bytes(count)) }
}
