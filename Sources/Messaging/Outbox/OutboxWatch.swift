public import Postgres
internal import Reactor
public import Telemetry

/// Shows how much of an outbox no reader can have yet, because an older transaction still runs.
///
/// Events become readable in the order of their transactions, so one that is forgotten open holds up
/// every reader: this is where it shows, while readers believe that they have everything.
public struct OutboxWatch: Sendable {
    private static let interval = Duration.seconds(10)

    private let database: Database
    private let log: Logger
    private let events: Gauge
    private let seconds: Gauge

    /// Describes a watch; `run` starts it.
    public init(of database: Database, log: Logger, metrics: Metrics) {
        self.database = database
        self.log = log
        events = metrics.gauge(
            "outbox_held_back_events",
            "Events that no reader can have yet because an older transaction still runs."
        )
        seconds = metrics.gauge(
            "outbox_held_back_seconds",
            "How long the oldest of them has waited."
        )
    }

    /// Looks until the task is cancelled.
    public func run() async {
        repeat {
            do throws(DatabaseError) {
                guard let held = try await database.one(FindHeldBack()) else { continue }
                events.set(Double(held.events))
                seconds.set(held.seconds)
            } catch {
                log.debug("the outbox cannot be looked at", ["error": .string(error.summary)])
            }
        } while (try? await EventLoop.sleep(for: Self.interval * Double.random(in: 0.8...1.2)))
            != nil
    }
}

/// Counts the events behind the horizon of readers.
struct FindHeldBack: Statement {
    static let sql = """
        SELECT count(*),
            coalesce(greatest(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0), 0)::float8
        FROM outbox
        WHERE txid >= pg_snapshot_xmin(pg_current_snapshot())
            AND day <= (SELECT day FROM outbox_head)
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> (
        events: Int64, seconds: Double
    ) {
        (events: try row[0], seconds: try row[1])
    }
}
