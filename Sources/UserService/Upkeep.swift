internal import HTTP
internal import Postgres
internal import Reactor
internal import Telemetry

/// What the service does at its start and from time to time, besides answering.
struct Upkeep: Sendable {
    let routes: UserRoutes
    let log: Logger

    /// Tries until it is done, through a database that comes and goes.
    func insist(
        _ name: String,
        _ work: @Sendable () async throws(Problem) -> Void
    ) async throws {
        while !(await attempt(name, work)) {
            try await EventLoop.sleep(for: .milliseconds(250))
        }
    }

    /// Looks every minute for keys that other replicas made, and makes one when it is time.
    ///
    /// A minute is little beside the hour that a key is published before it signs.
    func refreshKeys() async {
        await every(.seconds(60), "refresh the signing keys") { () throws(Problem) in
            try await routes.keys.refresh(now: routes.now())
        }
    }

    /// Deletes what no refresh token can ever name again.
    func deleteEndedSessions() async {
        await every(.seconds(600), "delete ended sessions") { () throws(Problem) in
            while try await routes.store.run(DeleteEndedSessions()) > 0 {}
        }
    }

    /// Until the task is cancelled.
    private func every(
        _ interval: Duration,
        _ name: String,
        _ work: @Sendable () async throws(Problem) -> Void
    ) async {
        while (try? await EventLoop.sleep(for: interval)) != nil { _ = await attempt(name, work) }
    }

    private func attempt(
        _ name: String,
        _ work: @Sendable () async throws(Problem) -> Void
    ) async -> Bool {
        do throws(Problem) {
            try await work()
            return true
        } catch {
            log.warning("cannot \(name)", ["error": .string(error.cause ?? error.title)])
            return false
        }
    }
}
