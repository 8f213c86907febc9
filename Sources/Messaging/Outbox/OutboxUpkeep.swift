public import Postgres
internal import Reactor
public import Telemetry

/// Keeps an outbox in days: makes the next one's partition, seals the last one's, drops the oldest.
///
/// Every replica does it and the database lets one at a time. Nothing here is urgent: a turn that
/// comes late only makes a day longer.
public struct OutboxUpkeep: Sendable {
    /// How often the days are looked at.
    static let interval = Duration.seconds(300)

    private let database: Database
    private let keepDays: Int
    private let log: Logger

    /// Describes the upkeep; `run` does it.
    ///
    /// - Parameter keepDays: days with events that are kept besides today's. A consumer that is
    ///   further behind than this has lost events, and is told so.
    public init(of database: Database, keepDays: Int, log: Logger) {
        self.database = database
        self.keepDays = keepDays
        self.log = log
    }

    /// Looks at once, and then every few minutes, until the task is cancelled.
    public func run() async {
        repeat {
            do throws(DatabaseError) {
                try await turn()
            } catch {
                // Another one's lock, or no database: the next turn does it.
                log.info("the outbox's days can wait", ["error": .string("\(error)")])
            }
        } while (try? await EventLoop.sleep(for: Self.interval * Double.random(in: 0.8...1.2)))
            != nil
    }

    /// Does what is to be done now.
    ///
    /// - Parameter today: as `2026-01-31`; nil for what the database's clock says.
    func turn(today: String? = nil) async throws(DatabaseError) {
        _ = try await database.one(TurnOutbox(today: today))
        while let sealed = try await database.one(SealOutbox()) ?? nil {
            log.info("a day's events are complete", ["day": .string(sealed)])
        }
        let drop = DropOutbox(today: today, keepDays: keepDays)
        while let dropped = try await database.one(drop) ?? nil {
            log.info("a day's events were dropped", ["day": .string(dropped)])
        }
    }
}
