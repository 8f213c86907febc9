internal import HTTP
internal import Reactor
internal import Telemetry

extension ServiceRuntime {
    /// A server of the process's routes on one listener.
    func server(
        _ listener: Listener,
        _ tls: TLSContext?,
        _ observer: RequestObserver
    ) -> HTTPServer {
        let log = boot.log
        return HTTPServer(
            listener: listener,
            tls: tls,
            limits: limits,
            observe: { observer.observe($0) },
            refused: { Self.note($0, $1, log) },
            responder: responder
        )
    }

    /// The configured limits, with room for the longest content that a route takes.
    var limits: HTTPLimits {
        var limits = settings.limits
        if !settings.isContentCapped {
            limits.bodyBytes = max(limits.bodyBytes, boot.contentLimit)
        }
        return limits
    }

    /// Clients' content may be compressed; between our own processes that would only cost time.
    private var responder: Responder {
        let responder = RequestContext(log: boot.log, tracer: boot.tracer).wrap(boot.responder)
        return settings.servesTLS ? responder : Compression().wrap(responder)
    }

    /// The server for clients over TLS, if there is to be one.
    func publicServer(_ observer: RequestObserver) async throws -> HTTPServer? {
        guard let publicTLS, let clients = settings.clientTLS else { return nil }
        let listener = try await Self.listen(clients.listen, "CLIENT_TLS_LISTEN")
        boot.log.info("ready for TLS", ["listen": .string(listener.address.description)])
        return server(listener, publicTLS, observer)
    }

    /// What is looked after while the process runs.
    var certificateWatch: CertificateWatch {
        let contexts = [
            ("the service port", serverTLS), ("calls to others", boot.clientTLS),
            ("clients", publicTLS),
        ]
        return CertificateWatch(
            contexts: contexts.compactMap { name, context in context.map { (name, $0) } },
            log: boot.log
        )
    }

    /// Says why a peer was refused; one that merely went away is worth no line.
    static func note(_ remote: SocketAddress, _ error: SocketError, _ log: Logger) {
        guard case .tls(let reason) = error else { return }
        log.warning(
            "TLS peer refused",
            ["remote": .string(remote.hostText), "reason": .string(reason)]
        )
    }
}
