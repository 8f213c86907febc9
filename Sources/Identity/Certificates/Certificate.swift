internal import COpenSSL

/// Owns one `X509`.
///
/// `@unchecked Sendable`: written only by whoever makes it, until it is signed; read afterwards.
/// `unsafe` throughout is the pointer, freed in deinit, and strings lent to C for a call.
@safe final class Certificate: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// An unsigned certificate that its own key will sign.
    convenience init(
        name: String,
        issuerName: String,
        key: SigningKey,
        days: Int
    ) throws(IdentityError) {
        try self.init(name: name, key: key, days: days)
        guard unsafe X509_set_issuer_name(pointer, X509_get_subject_name(pointer)) == 1 else {
            throw .fromLibrary("issuer")
        }
    }

    /// An unsigned certificate that another's key will sign.
    convenience init(
        name: String,
        issuedBy issuer: Certificate,
        key: SigningKey,
        days: Int
    ) throws(IdentityError) {
        try self.init(name: name, key: key, days: days)
        let issuerName = unsafe X509_get_subject_name(issuer.pointer)
        guard unsafe X509_set_issuer_name(pointer, issuerName) == 1 else {
            throw .fromLibrary("issuer")
        }
    }

    private init(name: String, key: SigningKey, days: Int) throws(IdentityError) {
        guard let pointer = unsafe X509_new() else { throw .fromLibrary("certificate") }
        unsafe self.pointer = unsafe pointer
        // Positive, and 127 bits nobody can guess (CA/Browser Forum asks for 64).
        var serial = SecureRandom.bytes(16)
        serial[0] = serial[0] & 0x7F | 0x40
        let number = unsafe BN_bin2bn(serial, Int32(serial.count), nil)
        defer { unsafe BN_free(number) }
        let subject = unsafe X509_get_subject_name(pointer)
        let text = Array(name.utf8)
        let made =
            unsafe X509_set_version(pointer, Int(X509_VERSION_3)) == 1
            && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil
            // Valid a little before now: the clocks of two machines differ.
            && X509_gmtime_adj(X509_getm_notBefore(pointer), -300) != nil
            && X509_time_adj_ex(X509_getm_notAfter(pointer), Int32(days), 0, nil) != nil
            && X509_NAME_add_entry_by_NID(
                subject,
                NID_commonName,
                MBSTRING_UTF8,
                text,
                Int32(text.count),
                -1,
                0
            ) == 1
            && X509_set_pubkey(pointer, key.handle.key) == 1
        guard made else { throw .fromLibrary("certificate") }
    }

    /// Reads the first certificate of a PEM text.
    init(pem: String) throws(IdentityError) {
        ERR_clear_error()
        let file = try MemoryFile(Array(pem.utf8))
        guard let pointer = unsafe anyway_read_certificate_pem(file.bio) else {
            ERR_clear_error()
            throw .malformed("certificate")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe X509_free(pointer) }

    /// Adds an extension, spelled as in openssl.cnf: never from unchecked input.
    func add(_ id: Int32, _ value: String, issuer: Certificate) throws(IdentityError) {
        ERR_clear_error()
        guard unsafe anyway_add_extension(pointer, issuer.pointer, id, value) == 1 else {
            throw .fromLibrary("extension")
        }
    }

    func sign(_ key: SigningKey) throws(IdentityError) {
        guard unsafe X509_sign(pointer, key.handle.key, DigestAlgorithm.sha256.pointer) > 0 else {
            throw .fromLibrary("sign certificate")
        }
    }

    func belongs(to key: SigningKey) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_private_key(pointer, key.handle.key) == 1
    }

    func pem() throws(IdentityError) -> String {
        let file = try MemoryFile()
        guard unsafe PEM_write_bio_X509(file.bio, pointer) == 1 else {
            throw .fromLibrary("encode certificate")
        }
        return String(decoding: file.contents, as: UTF8.self)
    }
}
