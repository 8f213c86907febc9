public import HTTP
public import Mesh
public import Postgres
public import Reactor
internal import Synchronization
public import Telemetry

/// What a service is put together from: it is handed to the one closure that wires a service.
public final class Boot: Sendable {
    /// Wraps whatever answers requests; what is answered at once inside may stay so outside.
    public typealias Layer = @Sendable (_ next: Responder) -> Responder

    typealias Background = (name: String, run: @Sendable () async -> Void)

    private struct Parts {
        var router = Router()
        var adminRouter = Router()
        var backgrounds: [Background] = []
        var wrap: [Layer] = []
        var observe: [Layer] = []
        var reloads: [@Sendable () async -> Void] = []
        var contentLimit = 0
    }

    /// The service's name, such as `order`; its SPIFFE identity is `spiffe://anyway/order`.
    public let name: String
    /// This process's own name, such as `order.2`.
    public let instance: String
    /// Where a service reads its own settings.
    public let environment: Environment
    /// The event loops of the process.
    public let loops: EventLoopGroup
    /// Where log lines go.
    public let log: Logger
    /// What `/metrics` shows.
    public let metrics: Metrics
    /// Calls to other processes go through it: one pool of kept-alive connections for each loop.
    public let client: HTTPClient
    /// The process's own certificate, for calls to others; nil when the service port is plain.
    public let clientTLS: TLSContext?
    /// What is broken on purpose; nil unless `FAULTS=on`.
    public let faults: FaultInjector?
    /// The guards that are left out on purpose; none unless `FAULTS=on` and `ABLATE` names some.
    public let ablation: Ablation
    /// Who keeps the process's spans; nil when `TRACES=off`.
    public let tracer: Tracer?
    /// The traces that were found worth keeping here.
    public let found: FoundTraces
    let exporter: TraceExporter?
    let databases: DatabaseMeasures
    private let parts = Mutex(Parts())
    private let stopping = Atomic<Bool>(false)

    init(
        name: String,
        settings: ServiceSettings,
        environment: Environment,
        loops: EventLoopGroup,
        log: Logger,
        clientTLS: TLSContext?
    ) {
        self.name = name
        instance = settings.instance
        self.environment = environment
        self.loops = loops
        self.log = log
        self.clientTLS = clientTLS
        client = HTTPClient()
        faults = settings.takesFaults ? FaultInjector(log: log) : nil
        ablation = settings.ablation
        metrics = Metrics()
        databases = DatabaseMeasures(metrics)
        let exporter = settings.traces.export.map { [client] target in
            TraceExporter(target, client: client, log: log)
        }
        self.exporter = exporter
        let found = FoundTraces()
        self.found = found
        tracer =
            settings.traces.isOn
            ? Tracer(
                loops: loops.loops,
                policy: settings.traces.policy,
                keep: { exporter?.take($0) },
                found: { found.add($0) }
            ) : nil
        tracer?.show(in: metrics)
        TraceExporter.show(exporter, in: metrics)
        ProcessMeasures.show(in: metrics)
    }

    // MARK: Wiring

    /// Adds routes to the service port.
    public func routes(_ add: (inout Router) -> Void) {
        parts.withLock { add(&$0.router) }
    }

    /// Adds routes to the admin port.
    public func adminRoutes(_ add: (inout Router) -> Void) {
        parts.withLock { add(&$0.adminRouter) }
    }

    /// Adds something that runs beside the server until the process ends.
    ///
    /// It must return soon after its task is cancelled, which happens once the last request has
    /// been answered.
    public func background(_ name: String, _ run: @escaping @Sendable () async -> Void) {
        parts.withLock { $0.backgrounds.append((name, run)) }
    }

    /// Wraps every request outside of all other middleware, to see also what injected faults do to it.
    public func observing(_ wrap: @escaping Middleware) {
        observing(layer: { Responder(wrap($0.handler)) })
    }

    /// Wraps every request as `observing` does, but lets what is answered at once stay so.
    public func observing(layer: @escaping Layer) {
        parts.withLock { $0.observe.append(layer) }
    }

    /// Wraps every request, outside of the routes; the first one added is the outermost.
    public func middleware(_ wrap: @escaping Middleware) {
        middleware(layer: { Responder(wrap($0.handler)) })
    }

    /// Wraps every request as `middleware` does, but lets what is answered at once stay so.
    public func middleware(layer: @escaping Layer) {
        parts.withLock { $0.wrap.append(layer) }
    }

    /// Adds something to do on SIGHUP, such as reading a file again.
    public func onReload(_ reload: @escaping @Sendable () async -> Void) {
        parts.withLock { $0.reloads.append(reload) }
    }

    /// Lets the service port take contents of up to so many bytes, for a route that passes them on.
    ///
    /// Routes keep limits of their own; `HTTP_MAX_BODY`, where it is set, stays the most there can be.
    public func allowContent(upTo bytes: Int) {
        parts.withLock { $0.contentLimit = max($0.contentLimit, bytes) }
    }

    /// Opens the database that `DATABASE_URL` names and brings its schema up to date, waiting for it
    /// for as long as it takes.
    ///
    /// - Parameters:
    ///   - migrations: in the order they came to be; new ones are appended.
    ///   - waits: false for a service that can do something without its database: when it cannot be
    ///     reached, the migrations run in the background, and until then every call on it throws
    ///     `.unavailable`.
    ///   - settings: the server's run-time settings for the service's connections.
    /// - Throws: `ConfigurationError` when the URL is missing or malformed; `MigrationError` when the
    ///   schema is not what the migrations lead to.
    public func database(
        migrations: [Migration],
        waits: Bool = true,
        settings: [String: String] = [:]
    ) async throws -> Database {
        let example = "postgres://order:secret@127.0.0.1:5432/order"
        let url = try environment.requiredSecret("DATABASE_URL", example: example)
        let connections = try environment.integer("DATABASE_CONNECTIONS", in: 2...64, default: 4)
        let database: Database
        do throws(DatabaseError) {
            database = try Database(
                url: url,
                loops: loops.loops,
                maxConnectionsPerLoop: connections,
                settings: settings,
                observe: { [databases] in databases.note($0) }
            )
        } catch {
            throw ConfigurationError("DATABASE_URL", "is no connection string", example: example)
        }
        background("database measures") { [databases, database] in await databases.watch(database) }
        guard !waits else {
            try await migrate(database, migrations)
            return database
        }
        do throws(MigrationError) {
            try await database.migrate(migrations, within: .seconds(2))
        } catch {
            guard error.isWeather else { throw error }
            database.hold()
            background("migrations") { [self] in
                do {
                    try await migrate(database, migrations)
                    database.resume()
                } catch {
                    if !Task.isCancelled { Service.fail(name, error) }
                }
            }
        }
        return database
    }

    /// Brings the schema up to date, however long the database is away.
    private func migrate(_ database: Database, _ migrations: [Migration]) async throws {
        while true {
            do throws(MigrationError) {
                return try await database.migrate(migrations)
            } catch {
                guard error.isWeather else { throw error }
                log.warning("waiting for the database", ["error": .string("\(error)")])
                try await EventLoop.sleep(for: .milliseconds(250))
            }
        }
    }

    /// Whether the process has been told to stop: what is held back should be answered now.
    public var isStopping: Bool { stopping.load(ordering: .relaxed) }

    // MARK: For the boot path

    func stop() { stopping.store(true, ordering: .relaxed) }

    /// Everything that answers requests on the service port.
    var responder: Responder {
        parts.withLock { parts in
            let routes = parts.wrap.reversed().reduce(parts.router.responder) { $1($0) }
            // An injected fault may have to wait.
            let inner =
                faults.map { Responder(FaultGate(faults: $0).wrap(routes.handler)) } ?? routes
            return parts.observe.reversed().reduce(inner) { $1($0) }
        }
    }

    /// What answers on the admin port beside what every process has there.
    var adminRouter: Router { parts.withLock { $0.adminRouter } }

    var reloads: [@Sendable () async -> Void] { parts.withLock { $0.reloads } }

    var contentLimit: Int { parts.withLock { $0.contentLimit } }

    var backgrounds: [Background] { parts.withLock { $0.backgrounds } }
}

extension MigrationError {
    /// Whether the database could not be reached, rather than disagreed.
    fileprivate var isWeather: Bool {
        switch self {
        case .failed(_, .unavailable), .failed(_, .timedOut), .failed(_, .outcomeUnknown): true
        default: false
        }
    }
}
