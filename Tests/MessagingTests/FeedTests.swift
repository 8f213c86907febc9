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

    /// Reads while the second event is committed and the first, with the smaller number, is not.
    private static func whileTheFirstIsLate<Value>(
        _ database: Database,
        _ read: () async throws -> Value
    ) async throws -> Value {
        let outbox = Outbox()
        let isWritten = OneShot<Bool>()
        let mayCommit = OneShot<Bool>()
        async let late: Void = database.transaction {
            (tx: Transaction<DatabaseError>) async throws(DatabaseError) in
            try await tx.run(publish(outbox, 1))
            isWritten.resolve(true)
            _ = await mayCommit.wait(until: .after(.seconds(4)))
        }
        _ = await isWritten.wait(until: .after(.seconds(4)))
        try await database.run(publish(outbox, 2))
        let early = try await read()
        mayCommit.resolve(true)
        try await late
        return early
    }

    @Test func `an event that commits late is not stepped over`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            try await Self.whileTheFirstIsLate(database) {
                let early = try await readPage(database)
                #expect(early.events.isEmpty)
            }
            let all = try await readPage(database)
            #expect(all.events.map(\.sequence) == [1, 2])
            let rest = try await readPage(database, after: all.cursor)
            #expect(rest.events.isEmpty && rest.cursor == all.cursor)
        }
    }

    @Test func `a reader who does not wait for writers loses what commits late`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let early = try await Self.whileTheFirstIsLate(database) {
                try await readPage(database, waitsForWriters: false)
            }
            #expect(early.events.map(\.sequence) == [2])
            let rest = try await readPage(database, after: early.cursor, waitsForWriters: false)
            #expect(rest.events.isEmpty)
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
                let page = try await readPage(database, after: place, limit: 1)
                seen += page.events.map(\.sequence)
                place = page.cursor
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
                        let page = try await readPage(database, after: cursor)
                        seen += page.events.map(\.sequence)
                        cursor = page.cursor
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

    @Test func `a cursor ahead of the feed is of another history, and is refused`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let feed = EventFeed(of: "test", in: database) { true }
            var router = Router()
            feed.add(to: &router, readers: .anyone)
            try await database.run(Self.publish(Outbox(), 1))
            let read = { [router] (after: String) async throws(Problem) -> Response in
                try await router.handle(Request(.get, "/events?after=\(after)"))
            }
            let error = await #expect(throws: Problem.self) { try await read("999999999-1") }
            #expect(error?.status == .gone)
            #expect(error?.detail?.contains("ahead") == true)
            // The places that the feed itself tells are never ahead, with nothing written since.
            for place in ["newest", "oldest"] {
                let response = try await read(place)
                guard case .bytes(let bytes) = response.body else { throw CancellationError() }
                let next = try JSON.decode(EventPage.self, from: bytes).next
                #expect(try await read(next).status == .ok, "\(place)")
            }
        }
    }

    @Test func `an event is a CloudEvent 1.0 whose data is JSON, not text`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            try await database.run(Self.publish(Outbox(), 7))
            let find = FindEvents(source: "/test", after: .start, limit: 9, bytes: 1 << 20)
            let stored = try #require(try await database.one(find))
            let page = try JSON.decode(JSONValue.self, from: stored.json)
            let json = try #require(page["events"]?.array?.first)
            let event = try #require(try await readPage(database).events.first)
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

    @Test func `who wants some types alone gets those, and the place behind the others too`()
        async throws
    {
        try await withDatabase(migrations: outboxMigrations) { database async throws in
            let outbox = Outbox()
            for number in 1...6 as ClosedRange<Int64> {
                let type = ["test.even", "test.odd"][Int(number % 2)]
                try await database.run(
                    outbox.publish(type, subject: "s", sequence: number, data: ["n": number])
                )
            }
            let even = try await readPage(database, types: ["test.even", "test.other"])
            #expect(even.events.map(\.sequence) == [2, 4, 6])
            // The first two: one wanted, one not.
            let first = try await readPage(database, types: ["test.odd"], limit: 2)
            #expect(first.events.map(\.sequence) == [1])
            let rest = try await readPage(database, after: first.cursor, types: ["test.odd"])
            #expect(rest.events.map(\.sequence) == [3, 5])
            let none = try await readPage(database, types: ["test.other"])
            #expect(none.events.isEmpty && none.cursor == even.cursor)
            // Contents that are not wanted take no room.
            let tight = try await readPage(database, types: ["test.even"], bytes: 8)
            #expect(tight.events.map(\.sequence) == [2, 4])
        }
    }
}
