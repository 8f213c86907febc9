internal import COpenSSL
internal import Glibc

/// One TLS connection over a non-blocking socket that somebody else owns and waits for.
///
/// Confined to its loop. Every call either finishes, says what to wait for, or fails for good.
/// A call may find bytes that OpenSSL already took off the socket, so always try before waiting.
///
/// `unsafe` throughout is C's pointers: `ssl` is owned from init to deinit and never handed out,
/// and buffers are lent to OpenSSL for one call.
@safe final class TLSSession {
    /// Which end this is.
    enum Role: Sendable {
        case server
        /// `serverName` is sent as SNI and must be in the certificate, unless an identity is
        /// expected: then the certificate must carry exactly this SPIFFE URI, by whatever name
        /// or address the server was found.
        case client(serverName: String?, expecting: String? = nil)
    }

    /// What became of a call.
    enum Step: Sendable, Equatable {
        /// Finished, with so many bytes.
        case done(Int)
        /// Call again, with the same arguments, when the socket can be read or written.
        case wantRead, wantWrite
        /// The peer ended its side properly (`close_notify`).
        case closed
        /// Broken for good. An end of stream without `close_notify` is this, not `closed`:
        /// otherwise an attacker could cut a message short unnoticed (RFC 8446 section 6.1).
        case failed(String)
    }

    /// The SPIFFE URI of the peer's verified certificate; nil before the handshake is done.
    private(set) var peerIdentity: String?
    /// Whether the handshake resumed an earlier session.
    private(set) var isResumed = false
    /// The version that both ends agreed on, such as `TLSv1.3`; nil before the handshake is done.
    private(set) var version: String?

    private let context: TLSContext
    private let handle: ContextHandle
    private let ssl: OpaquePointer?
    private let expected: String?
    private let ticketKey: TicketCache.Key?
    private var isEstablished = false
    private var failure: String?

    /// Binds a new session to a socket, without input or output; what goes wrong here, and it
    /// can only be memory or a malformed name, is reported by `handshake()`.
    init(context: TLSContext, descriptor: Int32, role: Role) {
        self.context = context
        // Counted by the session: it outlives a reload.
        handle = context.handle
        unsafe ssl = unsafe SSL_new(handle.pointer)
        guard case .client(let serverName, let expected) = role else {
            self.expected = nil
            ticketKey = nil
            attach(descriptor)
            if let ssl = unsafe ssl {
                unsafe SSL_set_accept_state(ssl)
                unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
            }
            return
        }
        self.expected = expected
        let key = TicketCache.Key(
            address: peerAddressBytes(of: descriptor),
            serverName: serverName,
            expected: expected,
            generation: handle.generation
        )
        ticketKey = key
        attach(descriptor)
        guard let ssl = unsafe ssl else { return }
        unsafe SSL_set_connect_state(ssl)
        if let serverName { name(serverName) }
        unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        if let ticket = context.tickets.take(key) { unsafe SSL_set_session(ssl, ticket.pointer) }
    }

    deinit { if let ssl = unsafe ssl { unsafe SSL_free(ssl) } }

    /// Goes on with the handshake; `done(0)` when it is complete and the peer is who it must be.
    func handshake() -> Step {
        let step = unsafe step { ssl in unsafe (SSL_do_handshake(ssl), 0) }
        if case .done = step, !isEstablished { return established() }
        return step
    }

    /// Reads at least one byte.
    @unsafe func read(into buffer: UnsafeMutableRawBufferPointer) -> Step {
        guard unsafe !buffer.isEmpty else { return .done(0) }
        return unsafe step { ssl in
            var count = 0
            let result = unsafe SSL_read_ex(ssl, buffer.baseAddress, buffer.count, &count)
            return (result, count)
        }
    }

    /// Writes some of the bytes, as one TLS record or a run of them.
    @unsafe func write(_ buffer: UnsafeRawBufferPointer) -> Step {
        guard unsafe !buffer.isEmpty else { return .done(0) }
        return unsafe step { ssl in
            var count = 0
            let result = unsafe SSL_write_ex(ssl, buffer.baseAddress, buffer.count, &count)
            return (result, count)
        }
    }

    /// Tells the peer that nothing more will come; does not wait for its answer.
    ///
    /// Best effort: when the socket's buffer is full, the peer sees an end without `close_notify`.
    func shutdown() {
        // After a fatal error OpenSSL forbids it.
        guard let ssl = unsafe ssl, isEstablished, failure == nil else { return }
        OpenSSLErrors.clear()
        unsafe SSL_shutdown(ssl)
    }

    /// Shows the client the certificate that is for the name it asks for.
    func serve(_ name: String) {
        guard let ssl = unsafe ssl else { return }
        let site = handle.context(for: name)
        if site !== handle { unsafe SSL_set_SSL_CTX(ssl, site.pointer) }
    }

    /// Keeps a copy of a ticket for the next connection to this server.
    ///
    /// A copy, because the session itself stays this connection's, which spoils it if it ends
    /// without `close_notify`; and so that no two connections ever share one.
    @unsafe func keep(session: OpaquePointer) {
        // Before the peer is checked nothing is worth keeping.
        guard isEstablished, let ticketKey, let copy = unsafe SSL_SESSION_dup(session) else {
            return
        }
        unsafe context.tickets.put(TicketCache.Ticket(adopting: copy), for: ticketKey)
    }

    private func attach(_ descriptor: Int32) {
        guard let ssl = unsafe ssl else {
            failure = "out of memory"
            return
        }
        if unsafe SSL_set_fd(ssl, descriptor) != 1 { failure = "no socket" }
    }

    /// Sends the name and has it verified, unless an identity is verified in its place.
    private func name(_ serverName: String) {
        guard let ssl = unsafe ssl else { return }
        var address = in6_addr()
        // RFC 6066 section 3: an address literal is never sent as SNI.
        let isAddress =
            unsafe inet_pton(AF_INET, serverName, &address) == 1
            || inet_pton(AF_INET6, serverName, &address) == 1
        var fits = true
        if !isAddress { fits = unsafe anyway_ssl_set_server_name(ssl, serverName) == 1 }
        if expected == nil {
            let set =
                unsafe isAddress
                ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName)
                : SSL_set1_host(ssl, serverName)
            fits = fits && set == 1
        }
        if !fits { failure = "malformed server name" }
    }

    private func established() -> Step {
        guard let ssl = unsafe ssl else { return .failed("out of memory") }
        isResumed = unsafe anyway_ssl_resumed(ssl) == 1
        version = unsafe SSL_get_version(ssl).map { unsafe String(cString: $0) }
        if let certificate = unsafe SSL_get0_peer_certificate(ssl),
            unsafe SSL_get_verify_result(ssl) == Int(X509_V_OK)
        {
            // A resumed session was verified when it began, and each resumption brings a ticket for the next.
            guard unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 else {
                return fail("the peer's certificate: certificate has expired")
            }
            peerIdentity = unsafe spiffeIdentity(of: certificate)
        }
        if let expected, expected != peerIdentity {
            let found = peerIdentity ?? "no identity"
            peerIdentity = nil
            return fail("the peer is \(found), not \(expected)")
        }
        isEstablished = true
        return .done(0)
    }

    private func step(_ call: (OpaquePointer) -> (result: Int32, count: Int)) -> Step {
        if let failure { return .failed(failure) }
        guard let ssl = unsafe ssl else { return .failed("out of memory") }
        OpenSSLErrors.clear()
        errno = 0
        let (result, count) = unsafe call(ssl)
        let code = errno
        if result > 0 { return .done(count) }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantRead
        case SSL_ERROR_WANT_WRITE: return .wantWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL:
            let reason = OpenSSLErrors.take().text
            return fail(reason ?? (code == 0 ? "ended early" : OpenSSLErrors.system(code)))
        default: return fail(reason())
        }
    }

    private func reason() -> String {
        let (text, code) = OpenSSLErrors.take()
        if code == SSL_R_UNEXPECTED_EOF_WHILE_READING { return "ended without close_notify" }
        guard let ssl = unsafe ssl else { return "out of memory" }
        let verdict = unsafe SSL_get_verify_result(ssl)
        if code == SSL_R_CERTIFICATE_VERIFY_FAILED, verdict != Int(X509_V_OK),
            let words = unsafe X509_verify_cert_error_string(verdict)
        {
            return unsafe "the peer's certificate: \(String(cString: words))"
        }
        return text ?? "protocol error"
    }

    private func fail(_ reason: String) -> Step {
        failure = reason
        return .failed(reason)
    }
}

/// The one SPIFFE URI of a certificate; nil when there is none or more than one URI, which the
/// X.509-SVID specification forbids (section 2).
@unsafe func spiffeIdentity(of certificate: OpaquePointer) -> String? {
    var text = [CChar](repeating: 0, count: 2049)
    let count = unsafe text.withUnsafeMutableBufferPointer { buffer in
        unsafe anyway_certificate_uri(certificate, buffer.baseAddress, buffer.count)
    }
    guard count == 1 else { return nil }
    let uri = OpenSSLErrors.string(text)
    return uri.hasPrefix("spiffe://") ? uri : nil
}
