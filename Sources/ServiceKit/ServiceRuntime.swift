internal import Glibc
internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// A running process: its two listeners, its background work and its way to the end.
final class ServiceRuntime: Sendable {
    /// Where a process is between its start and its end.
    enum Stage: Sendable { case starting, ready, draining }

    let settings: ServiceSettings
    let boot: Boot
    let serverTLS: TLSContext?
    let publicTLS: TLSContext?
    private let stage = Mutex(Stage.starting)

    init(
        name: String,
        settings: ServiceSettings,
        environment: Environment,
        loops: EventLoopGroup,
        log: Logger
    ) throws {
        self.settings = settings
        serverTLS = try settings.tls.flatMap { settings.servesTLS ? $0 : nil }.map {
            configuration in
            try Self.usable("TLS_CERT", "TLS_KEY and TLS_CA") { () throws(TLSError) in
                try .server(configuration)
            }
        }
        let clientTLS = try settings.tls.map { configuration in
            try Self.usable("TLS_CERT", "TLS_KEY and TLS_CA") { () throws(TLSError) in
                try .client(configuration)
            }
        }
        publicTLS = try settings.clientTLS.map { clients in
            let others = "CLIENT_TLS_KEY and CLIENT_TLS_SITES"
            return try Self.usable("CLIENT_TLS_CERT", others) { () throws(TLSError) in
                try .server(clients.files)
            }
        }
        boot = Boot(
            name: name,
            settings: settings,
            environment: environment,
            loops: loops,
            log: log,
            clientTLS: clientTLS
        )
    }

    private static func usable(
        _ variable: String,
        _ others: String,
        _ make: () throws(TLSError) -> TLSContext
    ) throws(ConfigurationError) -> TLSContext {
        do throws(TLSError) {
            return try make()
        } catch {
            throw ConfigurationError(
                variable,
                "with \(others) cannot be used: \(error)",
                example: "/certs/order.pem"
            )
        }
    }

    /// Runs until a signal comes; returns the exit code.
    func run(
        until signals: Signals,
        _ wire: @escaping @Sendable (Boot) async throws -> Void
    ) async -> Int32 {
        let watch = Task(executorPreference: EventLoop.required) { [self] in
            try await serve(wire)
        }
        let ending = Task(executorPreference: EventLoop.required) { [boot] in
            while let signal = try? await signals.next() {
                guard signal == SIGHUP else {
                    boot.log.info("stopping", ["signal": .int(Int(signal))])
                    return watch.cancel()
                }
                for reload in boot.reloads { await reload() }
            }
        }
        defer { ending.cancel() }
        do {
            try await watch.value
            return 0
        } catch {
            // Whatever was interrupted by the stop that was asked for is no failure.
            if watch.isCancelled { return 0 }
            Service.fail(boot.name, error)
        }
    }

    /// Admin first, so that a process that waits for its database can be asked how it is; then the
    /// wiring; then requests.
    ///
    /// On the way down in the opposite order: requests in flight are answered while background work
    /// still runs.
    private func serve(_ wire: @escaping @Sendable (Boot) async throws -> Void) async throws {
        let admin = try await Self.listen(settings.adminListen, "ADMIN_LISTEN")
        let adminServer = HTTPServer(listener: admin, responder: adminResponder())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [boot] in try await adminServer.run(on: boot.loops) }
            try await self.wireAndServe(wire)
            group.cancelAll()
        }
    }

    private func wireAndServe(
        _ wire: @escaping @Sendable (Boot) async throws -> Void
    ) async throws {
        try await wire(boot)
        boot.routes { router in
            health().add(to: &router)
            traces.addInternal(to: &router)
        }
        let listener = try await Self.listen(settings.listen, "LISTEN")
        let observer = RequestObserver(log: boot.log, metrics: boot.metrics)
        let servers = [
            server(listener, serverTLS, observer), try await publicServer(observer),
        ].compactMap(\.self)
        certificateWatch.show(in: boot.metrics)
        let backgrounds = Task(executorPreference: EventLoop.required) { [self] in
            await withTaskGroup(of: Void.self) { group in
                for background in boot.backgrounds { group.addTask { await background.run() } }
                group.addTask { await self.certificateWatch.run() }
                group.addTask { [boot] in
                    await LoopMeasures(boot.loops.loops, boot.metrics).run()
                }
                if let exporter = boot.exporter { group.addTask { await exporter.run() } }
            }
        }
        defer { backgrounds.cancel() }
        if boot.faults != nil { boot.log.warning("takes injected faults: FAULTS=on", [:]) }
        if boot.ablation != Ablation() {
            boot.log.warning("guards are left out", ["guards": .list(boot.ablation.names)])
        }
        boot.log.info("ready", ["listen": .string(listener.address.description)])
        stage.withLock { $0 = .ready }
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for server in servers {
                    group.addTask { [boot] in try await server.run(on: boot.loops) }
                }
                try await group.waitForAll()
            }
        } onCancel: {
            boot.stop()
            stage.withLock { $0 = .draining }
        }
        backgrounds.cancel()
        await backgrounds.value
        boot.log.info("stopped", [:])
    }

    /// How long the name in an address to listen on may be looked up.
    private static let lookUpTime = Duration.seconds(10)

    /// Listens on an address that a variable names.
    ///
    /// - Throws: `ConfigurationError` when it has no address, or none in time, or cannot be listened on.
    static func listen(
        _ address: (host: String, port: UInt16),
        _ variable: String,
        resolver: Upstream.Resolver = Upstream.systemResolver
    ) async throws -> Listener {
        do throws(SocketError) {
            let found = try await resolver(address.host, address.port, .after(lookUpTime))
            return try Listener.bind(found.first ?? .loopback(port: address.port))
        } catch .timedOut {
            throw ConfigurationError(
                variable,
                "cannot be listened on: no name server said in \(lookUpTime.components.seconds) s "
                    + "where '\(address.host)' is",
                example: "127.0.0.1:8080"
            )
        } catch {
            throw ConfigurationError(
                variable,
                "cannot be listened on: \(error)",
                example: "127.0.0.1:8080"
            )
        }
    }

    // MARK: The admin port

    /// Looks at each request for what the service has added: the port is open before that is wired.
    private func adminResponder() -> Responder {
        let router = adminRouter()
        return Responder { [boot] request throws(Problem) in
            let added = boot.adminRouter
            let isAdded = !router.knows(request.path) && added.knows(request.path)
            return try (isAdded ? added : router).responder.reply(to: &request)
        }
    }

    private func adminRouter() -> Router {
        var router = Router()
        health().add(to: &router)
        FaultRoutes(faults: boot.faults).add(to: &router)
        traces.add(to: &router)
        router.immediate(.get, "/metrics") { [boot] _ throws(Problem) in
            var response = Response.text(boot.metrics.render())
            response.headers[.contentType] = Metrics.contentType
            return response
        }
        return router
    }

    private var traces: TraceRoutes { boot.traceAnswers }

    private func health() -> HealthRoutes {
        HealthRoutes(name: boot.name, instance: boot.instance) { [self] in
            stage.withLock { $0 }
        }
    }
}
