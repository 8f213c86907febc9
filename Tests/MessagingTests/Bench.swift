import HTTP
import Mesh
import Postgres
import PostgresHarness
import Reactor
import Telemetry
import Testing

@testable import Messaging

/// What a service that publishes has.
let outboxMigrations = [MessagingMigrations.outbox, MessagingMigrations.outboxDays]

/// Reads a page as a consumer does; its events, and the place behind them.
func readPage(
    _ database: Database,
    after cursor: FeedCursor = .start,
    types: [String] = [],
    limit: Int64 = 1000,
    bytes: Int64 = 1 << 20,
    waitsForWriters: Bool = true
) async throws -> (events: [CloudEvent], cursor: FeedCursor) {
    let find = FindEvents(
        source: "/test",
        after: cursor,
        types: types,
        limit: limit,
        bytes: bytes,
        waitsForWriters: waitsForWriters
    )
    guard let stored = try await database.one(find) else { return ([], cursor) }
    let page = try JSON.decode(EventPage.self, from: stored.json)
    #expect(page.next == stored.cursor.description)
    #expect(page.events.count == stored.count)
    return (page.events, stored.cursor)
}

/// What events did: one row for each that took effect, in the order they did.
private let effects = Migration(
    name: "effects",
    sql: """
        CREATE TABLE effects (
            place bigint GENERATED ALWAYS AS IDENTITY, event_id uuid PRIMARY KEY,
            subject text NOT NULL, sequence bigint NOT NULL
        );
        CREATE TABLE poison (subject text PRIMARY KEY);
        """
)

let consumerMigrations = [
    MessagingMigrations.cursors, MessagingMigrations.parkedEvents, effects,
]

/// Applies an event once; a subject that is listed as poison violates a constraint.
struct InsertEffect: Statement {
    static let sql = """
        INSERT INTO effects (event_id, subject, sequence)
        SELECT $1, CASE WHEN EXISTS (SELECT FROM poison WHERE subject = $2) THEN NULL ELSE $2 END, $3
        ON CONFLICT (event_id) DO NOTHING
        """
    let event: CloudEvent
    func bind(_ parameters: inout Parameters) {
        parameters.append(event.id, event.subject, event.sequence)
    }
}

struct Poison: Statement {
    static let sql = "INSERT INTO poison (subject) VALUES ($1)"
    let subject: String
    func bind(_ parameters: inout Parameters) { parameters.append(subject) }
}

struct Heal: Statement {
    static let sql = "DELETE FROM poison"
}

struct FindEffects: Statement {
    static let sql = "SELECT subject || ':' || sequence FROM effects ORDER BY place"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

struct FindStopped: Statement {
    static let sql = "SELECT stopped FROM consumer_cursors WHERE feed = 'test'"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String? { try row[0] }
}

/// A producer with its feed on a port, and the database of its consumers.
struct Bench: Sendable {
    let producer: Database
    let consumer: Database
    let address: SocketAddress
    let outbox = Outbox()
    let metrics = Metrics()

    static func with(
        _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        try await withDatabase(migrations: outboxMigrations) { producer in
            try await withDatabase(migrations: consumerMigrations) { consumer in
                var router = Router()
                EventFeed(of: "test", in: producer) { false }.add(to: &router, readers: .anyone)
                let group = try EventLoopGroup(count: 1)
                let server = HTTPServer(
                    listener: try Listener.bind(.loopback(port: 0)),
                    handler: router.handler
                )
                let serving = Task { try await server.run(on: group) }
                let bench = Bench(producer: producer, consumer: consumer, address: server.address)
                let result: Result<Void, any Error>
                do { result = .success(try await body(bench)) } catch { result = .failure(error) }
                serving.cancel()
                _ = await serving.result
                group.shutdown()
                try result.get()
            }
        }
    }

    func publish(_ subject: String, _ sequence: Int64) async throws {
        try await producer.run(
            outbox.publish("test.done", subject: subject, sequence: sequence, data: ["n": sequence])
        )
    }

    func consumer(
        _ owner: String = "c.1",
        maxParked: Int = 100,
        apply: @escaping EventConsumer.Apply = { event, tx throws(DatabaseError) in
            try await tx.run(InsertEffect(event: event))
        }
    ) throws -> EventConsumer {
        EventConsumer(
            of: "test",
            from: Upstream(
                name: "test",
                endpoints: try Endpoints("\(address)"),
                client: HTTPClient(),
                tls: nil,
                policy: .feed,
                log: .silent,
                metrics: metrics
            ),
            into: consumer,
            outbox: Outbox(),
            owner: owner,
            log: .silent,
            metrics: metrics,
            maxParked: maxParked,
            apply: apply
        )
    }

    func effects() async throws -> [String] { try await consumer.all(FindEffects()) }

    /// Runs consumers until the condition holds, for 30 seconds at most.
    func follow(
        _ consumers: [EventConsumer],
        until holds: @Sendable () async throws -> Bool
    ) async throws {
        let running = consumers.map { consumer in
            Task(executorPreference: EventLoop.required) { await consumer.run() }
        }
        let end = Deadline.after(.seconds(30))
        var isDone = false
        while !isDone, !end.hasPassed {
            try await EventLoop.sleep(for: .milliseconds(20))
            isDone = try await holds()
        }
        for task in running { task.cancel() }
        for task in running { await task.value }
        #expect(isDone)
    }
}
