public import Postgres
import Reactor

/// A fresh database with event loops of its own, for the length of `body`.
///
/// The body runs on the first loop, as a service's code does.
@discardableResult
public func withDatabase<T: Sendable>(
    migrations: [Migration] = [],
    loops: Int = 1,
    maxConnectionsPerLoop: Int = 4,
    timeout: Duration = .seconds(5),
    observe: DatabaseObserver? = nil,
    _ body: @escaping @Sendable (Database) async throws -> T
) async throws -> T {
    let url = try await PostgresServer.shared().freshDatabase()
    let group = try EventLoopGroup(count: loops)
    let database = try Database(
        url: url,
        loops: group.loops,
        maxConnectionsPerLoop: maxConnectionsPerLoop,
        timeout: timeout,
        observe: observe
    )
    let result = await Task(executorPreference: group.loops[0]) {
        try await database.migrate(migrations)
        return try await body(database)
    }.result
    database.close()
    group.shutdown()
    return try result.get()
}
