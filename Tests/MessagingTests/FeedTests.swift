import FoundationEssentials
import HTTP
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import Messaging

@Suite struct FeedTests {
    private struct Number: Codable, Sendable {
        let value: Int
    }

    private static func publish(_ outbox: Outbox, _ value: Int) throws(DatabaseError) -> InsertEvent
    {
        try outbox.publish(
            "test.counted",
            subject: "s",
            sequence: Int64(value),
            data: Number(value: value)
        )
    }

    private static func read(_ database: Database, after: FeedCursor) async throws -> [StoredEvent]
    {
        try await database.all(
            FindEvents(source: "/test", after: after, limit: 1000, bytes: 1 << 20)
        )
    }

    @Test func `an event that commits late is not stepped over`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let outbox = Outbox()
            let isWritten = OneShot<Bool>()
            let mayCommit = OneShot<Bool>()
            async let late: Void = database.transaction {
                (tx: Transaction<DatabaseError>) async throws(DatabaseError) in
                try await tx.run(Self.publish(outbox, 1))
                isWritten.resolve(true)
                _ = await mayCommit.wait(until: .after(.seconds(4)))
            }
            _ = await isWritten.wait(until: .after(.seconds(4)))
            try await database.run(Self.publish(outbox, 2))
            // The second event is committed; the first, with the smaller number, is not.
            let early = try await Self.read(database, after: .start)
            #expect(early.isEmpty)
            mayCommit.resolve(true)
            try await late
            let all = try await Self.read(database, after: .start)
            #expect(all.map(\.event.sequence) == [1, 2])
            let last = try #require(all.last?.cursor)
            let rest = try await Self.read(database, after: last)
            #expect(rest.isEmpty)
        }
    }

    /// An event as if a transaction of this number had written it.
    private struct InsertOld: Statement {
        static let sql = """
            INSERT INTO outbox (txid, event_id, type, subject, sequence, hlc, data)
            VALUES ($1::text::xid8, gen_random_uuid(), 'test.counted', 's', $2, 0, '{}')
            """
        let transaction: Int64
        func bind(_ parameters: inout Parameters) {
            parameters.append("\(transaction)", transaction)
        }
    }

    @Test func `transactions go by number, page by page, not by how numbers are spelled`()
        async throws
    {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            for number in [10, 9, 100, 99] as [Int64] {
                try await database.run(InsertOld(transaction: number))
            }
            var seen: [Int64] = []
            var place = FeedCursor.start
            for _ in 0..<4 {
                let find = FindEvents(source: "/test", after: place, limit: 1, bytes: 1 << 20)
                let event = try #require(try await database.all(find).first)
                seen.append(event.event.sequence)
                place = event.cursor
            }
            #expect(seen == [9, 10, 99, 100])
        }
    }

    @Test func `concurrent writers lose nothing and repeat nothing`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let outbox = Outbox()
            let total = 400
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        for number in 0..<(total / 8) {
                            try await database.run(
                                Self.publish(outbox, writer * total / 8 + number)
                            )
                        }
                        return []
                    }
                }
                group.addTask {
                    var cursor = FeedCursor.start
                    var seen: [Int64] = []
                    let end = Deadline.after(.seconds(20))
                    while seen.count < total, !end.hasPassed {
                        let page = try await Self.read(database, after: cursor)
                        seen += page.map(\.event.sequence)
                        cursor = page.last?.cursor ?? cursor
                    }
                    return seen
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(seen.sorted() == (0..<Int64(total)).map(\.self))
        }
    }

    @Test func `whoever begins with what comes next sees that alone, and all of it`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let outbox = Outbox()
            let feed = EventFeed(of: "test", in: database) { true }
            var router = Router()
            feed.add(to: &router, readers: .anyone)
            let read = { [router] (after: String) async throws -> EventPage in
                let response = try await router.handle(Request(.get, "/events?after=\(after)"))
                guard case .bytes(let bytes) = response.body else { throw CancellationError() }
                return try JSON.decode(EventPage.self, from: bytes)
            }
            try await database.run(Self.publish(outbox, 1))
            let isWritten = OneShot<Bool>()
            let mayCommit = OneShot<Bool>()
            // This one has its number before the place is asked for, and commits after.
            async let late: Void = database.transaction {
                (tx: Transaction<DatabaseError>) async throws(DatabaseError) in
                try await tx.run(Self.publish(outbox, 2))
                isWritten.resolve(true)
                _ = await mayCommit.wait(until: .after(.seconds(4)))
            }
            _ = await isWritten.wait(until: .after(.seconds(4)))
            let place = try await read("newest")
            #expect(place.events.isEmpty)
            #expect(try await read(place.next).events.isEmpty)
            mayCommit.resolve(true)
            try await late
            try await database.run(Self.publish(outbox, 3))
            let next = try await read(place.next)
            #expect(next.events.map(\.sequence) == [2, 3])
        }
    }

    @Test func `an event is a CloudEvent 1.0 whose data is JSON, not text`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            try await database.run(Self.publish(Outbox(), 7))
            let found = try await Self.read(database, after: .start)
            let event = try #require(found.first?.event)
            let json = try JSON.decode(JSONValue.self, from: try JSON.encode(event))
            #expect(json["specversion"]?.string == "1.0")
            #expect(json["source"]?.string == "/test")
            #expect(json["type"]?.string == "test.counted")
            #expect(json["data"]?["value"]?.integer == 7)
            #expect(json["time"]?.string?.hasSuffix("Z") == true)
            let back = try JSON.decode(CloudEvent.self, from: try JSON.encode(event))
            #expect(back == event)
            let number: Number = try back.content()
            #expect(number.value == 7)
        }
    }
}
