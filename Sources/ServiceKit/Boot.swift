public import HTTP
public import Postgres
public import Reactor
internal import Synchronization
public import Telemetry

/// What a service is put together from: it is handed to the one closure that wires a service.
public final class Boot: Sendable {
    typealias Background = (name: String, run: @Sendable () async -> Void)

    private struct Parts {
        var router = Router()
        var backgrounds: [Background] = []
        var wrap: [Middleware] = []
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
        metrics = Metrics()
    }

    // MARK: Wiring

    /// Adds routes to the service port.
    public func routes(_ add: (inout Router) -> Void) {
        parts.withLock { add(&$0.router) }
    }

    /// Adds something that runs beside the server until the process ends.
    ///
    /// It must return soon after its task is cancelled, which happens once the last request has
    /// been answered.
    public func background(_ name: String, _ run: @escaping @Sendable () async -> Void) {
        parts.withLock { $0.backgrounds.append((name, run)) }
    }

    /// Wraps every request, outside of the routes; the first one added is the outermost.
    public func middleware(_ wrap: @escaping Middleware) {
        parts.withLock { $0.wrap.append(wrap) }
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
    /// - Parameter migrations: in the order they came to be; new ones are appended.
    /// - Throws: `ConfigurationError` when the URL is missing or malformed; `MigrationError` when the
    ///   schema is not what the migrations lead to.
    public func database(migrations: [Migration]) async throws -> Database {
        let example = "postgres://order:secret@127.0.0.1:5432/order"
        let url = try environment.requiredSecret("DATABASE_URL", example: example)
        let connections = try environment.integer("DATABASE_CONNECTIONS", in: 2...64, default: 4)
        let database: Database
        do throws(DatabaseError) {
            database = try Database(
                url: url,
                loops: loops.loops,
                maxConnectionsPerLoop: connections
            )
        } catch {
            throw ConfigurationError("DATABASE_URL", "is no connection string", example: example)
        }
        while true {
            do throws(MigrationError) {
                try await database.migrate(migrations)
                return database
            } catch {
                guard case .failed(_, .unavailable(let reason)) = error else { throw error }
                log.warning("waiting for the database", ["error": .string(reason)])
                try await EventLoop.sleep(for: .milliseconds(250))
            }
        }
    }

    /// Whether the process has been told to stop: what is held back should be answered now.
    public var isStopping: Bool { stopping.load(ordering: .relaxed) }

    // MARK: For the boot path

    func stop() { stopping.store(true, ordering: .relaxed) }

    var handler: Handler {
        parts.withLock { parts in
            parts.wrap.reversed().reduce(parts.router.handler) { inner, wrap in wrap(inner) }
        }
    }

    var reloads: [@Sendable () async -> Void] { parts.withLock { $0.reloads } }

    var contentLimit: Int { parts.withLock { $0.contentLimit } }

    var backgrounds: [Background] { parts.withLock { $0.backgrounds } }
}
