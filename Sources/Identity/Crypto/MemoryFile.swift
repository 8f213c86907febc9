internal import COpenSSL

/// OpenSSL's file in memory: what its PEM and DER functions read from and write to.
///
/// Safe: the pointer is valid as long as this value, which owns and frees it.
@safe struct MemoryFile: ~Copyable {
    let bio: OpaquePointer

    /// A file with contents.
    init(_ bytes: [UInt8] = []) throws(IdentityError) {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw .fromLibrary("memory file") }
        // Unsafe: C copies the array, lent for the call.
        let written = unsafe BIO_write(bio, bytes, Int32(bytes.count))
        guard bytes.isEmpty || written == Int32(bytes.count) else {
            unsafe BIO_free(bio)
            throw .fromLibrary("memory file")
        }
        unsafe self.bio = bio
    }

    deinit { unsafe BIO_free(bio) }

    /// What was written.
    var contents: [UInt8] {
        var start: UnsafePointer<CChar>?
        // Unsafe: C lends its buffer, which is copied before anything else happens.
        let count = unsafe anyway_bio_contents(bio, &start)
        guard let start = unsafe start, count > 0 else { return [] }
        return unsafe UnsafeBufferPointer(start: start, count: Int(count))
            .map { UInt8(bitPattern: $0) }
    }
}
