internal import COpenSSL

/// Owns one P-256 key of OpenSSL's and an operation prepared with it.
///
/// `@unchecked Sendable`: both objects are only read after init. Each signature or verification
/// runs on its own copy of the operation, which costs far less than preparing one; OpenSSL counts
/// references to the key atomically. `unsafe` throughout is those two pointers, freed in deinit.
@safe final class KeyHandle: @unchecked Sendable {
    enum Use { case sign, verify }

    let key: OpaquePointer
    private let operation: OpaquePointer

    /// Takes over the key, also when it throws.
    @unsafe init(adopting key: OpaquePointer?, for use: Use) throws(IdentityError) {
        guard let key = unsafe key else { throw .fromLibrary("key") }
        guard let operation = unsafe EVP_PKEY_CTX_new(key, nil) else {
            unsafe EVP_PKEY_free(key)
            throw .fromLibrary("key operation")
        }
        let ready =
            unsafe (use == .sign
            ? EVP_PKEY_sign_init(operation) : EVP_PKEY_verify_init(operation)) == 1
            && EVP_PKEY_CTX_set_signature_md(operation, DigestAlgorithm.sha256.pointer) == 1
        unsafe self.key = unsafe key
        unsafe self.operation = unsafe operation
        if !ready { throw .fromLibrary("key operation") }
    }

    deinit {
        unsafe EVP_PKEY_CTX_free(operation)
        unsafe EVP_PKEY_free(key)
    }

    /// The uncompressed point, 4 then x then y; nil if the key is not on P-256.
    var point: [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65)
        return unsafe anyway_p256_point(key, &bytes, bytes.count) == 65 ? bytes : nil
    }

    func sign(digest: [UInt8]) throws(IdentityError) -> ECDSASignature {
        guard let copy = unsafe EVP_PKEY_CTX_dup(operation) else { throw .fromLibrary("sign") }
        defer { unsafe EVP_PKEY_CTX_free(copy) }
        var der = [UInt8](repeating: 0, count: 80)
        var count = der.count
        guard unsafe EVP_PKEY_sign(copy, &der, &count, digest, digest.count) == 1,
            let signature = ECDSASignature(der: Array(der.prefix(count)))
        else { throw .fromLibrary("sign") }
        return signature
    }

    func isValid(_ signature: ECDSASignature, digest: [UInt8]) -> Bool {
        guard let copy = unsafe EVP_PKEY_CTX_dup(operation) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(copy) }
        let der = signature.der
        let result = unsafe EVP_PKEY_verify(copy, der, der.count, digest, digest.count)
        // A bad signature may queue errors that would be blamed on this thread's next call.
        if result != 1 { ERR_clear_error() }
        return result == 1
    }
}
