internal import COpenSSL
internal import Glibc

/// The certificates of a folder, one for each site that a server serves beside its own.
///
/// `NAME.pem` is a chain, `NAME.key` beside it its private key; other files are ignored. What a
/// certificate is for is what it says itself, not what its file is called.
enum SiteFiles {
    /// More would make a handshake slow: each certificate is asked in turn.
    static let limit = 500

    /// The pairs in a folder, in order of name.
    ///
    /// - Throws: `.file` when the folder cannot be read, holds none or too many, or a key is missing.
    static func pairs(in folder: String) throws(TLSError) -> [(certificate: String, key: String)] {
        let names = try names(in: folder)
        let known = Set(names)
        var pairs: [(certificate: String, key: String)] = []
        for name in names.sorted() where name.hasSuffix(".pem") {
            let key = "\(name.dropLast(4)).key"
            guard known.contains(key) else {
                throw .file(path: "\(folder)/\(key)", reason: "is not there beside \(name)")
            }
            pairs.append(("\(folder)/\(name)", "\(folder)/\(key)"))
        }
        guard !pairs.isEmpty else {
            throw .file(path: folder, reason: "holds no NAME.pem with a NAME.key beside it")
        }
        guard pairs.count <= limit else {
            throw .file(path: folder, reason: "holds more than \(limit) certificates")
        }
        return pairs
    }

    /// The names in a folder.
    ///
    /// `unsafe`: the stream is this function's own, and each entry is copied before the next is read.
    private static func names(in folder: String) throws(TLSError) -> [String] {
        guard let stream = unsafe opendir(folder) else {
            throw .file(path: folder, reason: OpenSSLErrors.system(errno))
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }
}

extension ContextHandle {
    /// Whether the own certificate is for this name; its subject is not asked (RFC 9110 section 4.3.4).
    func isFor(_ name: String) -> Bool {
        guard let certificate = unsafe SSL_CTX_get0_certificate(pointer) else { return false }
        let flags = UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
        return unsafe X509_check_host(certificate, name, name.utf8.count, flags, nil) == 1
    }

    /// The context for a client that asks for `name`: the server's own where it fits or none does.
    func context(for name: String) -> ContextHandle {
        if sites.isEmpty || isFor(name) { return self }
        return sites.first { $0.isFor(name) } ?? self
    }
}

/// OpenSSL calls this on the connection's own loop, from within the handshake (RFC 6066 section 3).
let chooseSite:
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?
    ) -> Int32 = { ssl, _, _ in
        guard let ssl = unsafe ssl, let owner = unsafe SSL_get_ex_data(ssl, 0),
            let text = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
        else { return SSL_TLSEXT_ERR_NOACK }
        // Not retained: the owner frees `ssl` before it goes away.
        let session = unsafe Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue()
        unsafe session.serve(String(cString: text))
        return SSL_TLSEXT_ERR_OK
    }
