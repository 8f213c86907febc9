internal import COpenSSL

/// Owns one `SSL_CTX`, which is complete before anybody else sees it.
///
/// `@unchecked Sendable`: set up by the one thread that makes it, only read afterwards; OpenSSL
/// counts references and takes its own locks inside `SSL_new` and the ticket keys.
/// `unsafe` throughout is that pointer, owned from init to deinit.
@safe final class ContextHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Counts the context's reloads: a ticket granted under older files is not used under newer.
    let generation: Int
    /// What else a server can be, by the name a client asks for.
    private(set) var sites: [ContextHandle] = []

    init(_ role: TLSContext.Role, generation: Int) throws(TLSError) {
        self.generation = generation
        OpenSSLErrors.clear()
        let method = unsafe role == .server ? TLS_server_method() : TLS_client_method()
        guard let context = unsafe SSL_CTX_new(method) else {
            throw .library(OpenSSLErrors.take().text ?? "no context")
        }
        unsafe pointer = context
        unsafe anyway_ctx_set_modes(context)
        // OpenSSL would ask the terminal; a service has nobody there to answer.
        unsafe SSL_CTX_set_default_passwd_cb(context, anyway_no_passphrase)
        unsafe anyway_ctx_set_session_cache(context, role == .client ? 1 : 0)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// A context with everything that its configuration names.
    static func complete(
        _ configuration: TLSConfiguration,
        _ role: TLSContext.Role,
        generation: Int
    ) throws(TLSError) -> ContextHandle {
        let handle = try ContextHandle(role, generation: generation)
        try handle.protocolSettings(
            mutual: configuration.requirePeer,
            newest: configuration.newest
        )
        try handle.loadIdentity(configuration, role)
        try handle.loadTrust(configuration, role)
        if role == .server { try handle.loadSites(configuration) }
        return handle
    }

    /// Versions, groups, suites and how long a session can be resumed.
    func protocolSettings(
        mutual: Bool,
        newest: TLSConfiguration.Version
    ) throws(TLSError) {
        try require(
            unsafe anyway_ctx_set_versions(
                pointer,
                mutual ? TLS1_3_VERSION : TLS1_2_VERSION,
                newest == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION
            )
        )
        // X25519 first: it is the cheapest; AES-128 first: both ends have the instructions.
        try require(unsafe anyway_ctx_set_groups(pointer, "X25519:P-256"))
        try require(
            unsafe SSL_CTX_set_ciphersuites(
                pointer,
                "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
            )
        )
        if !mutual {
            try require(unsafe SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20"))
        }
        // A resumed session's certificate is not verified again but for its end, so trust must not outlive a
        // change of it by much.
        unsafe SSL_CTX_set_timeout(pointer, 600)
        // Required for resumption with client certificates.
        let name = Array("anyway".utf8)
        try require(unsafe SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count)))
    }

    /// The own certificate chain and key, if this role has one.
    func loadIdentity(_ files: TLSConfiguration, _ role: TLSContext.Role) throws(TLSError) {
        guard let certificate = files.certificateFile, let key = files.keyFile else {
            guard role == .client, !files.requirePeer else {
                throw .missing("a certificate and its private key")
            }
            return
        }
        try require(
            unsafe SSL_CTX_use_certificate_chain_file(pointer, certificate),
            certificate
        )
        OpenSSLErrors.clear()
        guard unsafe SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            let (text, reason) = OpenSSLErrors.take()
            throw reason == X509_R_KEY_VALUES_MISMATCH
                ? .keyMismatch(certificate: certificate, key: key)
                : .file(path: key, reason: text ?? "not a private key")
        }
        guard unsafe SSL_CTX_check_private_key(pointer) == 1 else {
            throw .keyMismatch(certificate: certificate, key: key)
        }
    }

    /// When the first of the own certificates ends, those of sites and of chains included, in seconds
    /// since 1970; nil when there is none.
    var certificateEnd: Int64? {
        var seconds: Int64 = 0
        let own = unsafe anyway_ctx_end(pointer, &seconds) == 1 ? seconds : nil
        return (sites.map(\.certificateEnd) + [own]).compactMap(\.self).min()
    }

    /// The contexts of a server's further sites, which differ from this one in their certificates.
    func loadSites(_ files: TLSConfiguration) throws(TLSError) {
        guard let folder = files.sitesFolder else { return }
        for pair in try SiteFiles.pairs(in: folder) {
            var own = files
            (own.certificateFile, own.keyFile, own.sitesFolder) = (pair.certificate, pair.key, nil)
            sites.append(try ContextHandle.complete(own, .server, generation: generation))
        }
        unsafe anyway_ctx_on_server_name(pointer, chooseSite)
    }

    /// Whom to trust, and how strictly to ask for a certificate.
    func loadTrust(_ files: TLSConfiguration, _ role: TLSContext.Role) throws(TLSError) {
        guard role == .client || files.requirePeer else {
            unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
            return
        }
        if let authority = files.caFile {
            try require(unsafe SSL_CTX_load_verify_file(pointer, authority), authority)
        } else if role == .client, !files.requirePeer {
            try require(unsafe SSL_CTX_set_default_verify_paths(pointer))
        } else {
            // Mutual TLS with everybody a public authority ever signed would be no check at all.
            throw .missing("a CA file")
        }
        unsafe SSL_CTX_set_verify(
            pointer,
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            nil
        )
        if role == .client { unsafe SSL_CTX_sess_set_new_cb(pointer, keepTicket) }
    }

    private func require(
        _ result: @autoclosure () -> Int32,
        _ path: String? = nil
    ) throws(TLSError) {
        OpenSSLErrors.clear()
        guard result() != 1 else { return }
        let reason = OpenSSLErrors.take().text ?? "refused"
        if let path { throw .file(path: path, reason: reason) }
        throw .library(reason)
    }
}
