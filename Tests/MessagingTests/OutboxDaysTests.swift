import Postgres
import PostgresHarness
import Telemetry
import Testing

@testable import Messaging

@Suite struct OutboxDaysTests {

    /// Writes into the first partition, as a writer does that read the head long ago.
    private struct InsertLate: Statement {
        static let sql = """
            INSERT INTO outbox (event_id, type, subject, sequence, hlc, data, day)
            SELECT gen_random_uuid(), 'late', 's', 1, 1, '{}', min(day) FROM outbox_days
            """
    }

    private func read(_ database: Database, _ after: FeedCursor = .start) async throws -> [Int64] {
        try await readPage(database, after: after).events.map(\.sequence)
    }

    private func publish(_ database: Database, _ numbers: ClosedRange<Int64>) async throws {
        let outbox = Outbox()
        for number in numbers {
            try await database.run(
                outbox.publish("t", subject: "s", sequence: number, data: ["n": number])
            )
        }
    }

    @Test func `what was in the outbox before it had days is still served, then what comes`()
        async throws
    {
        try await withDatabase(migrations: [MessagingMigrations.outbox]) { database in
            try await publish(database, 1...5)
            try await database.migrate(outboxMigrations)
            try await publish(database, 6...9)
            #expect(try await read(database) == Array(1...9))
        }
    }

    @Test func `the order holds over days, and a sealed day takes no latecomer`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database in
            let upkeep = OutboxUpkeep(of: database, keepDays: 7, log: .silent)
            try await publish(database, 1...3)
            try await upkeep.turn(today: "2090-01-01")
            try await publish(database, 4...6)
            try await upkeep.turn(today: "2090-01-02")
            // A clock that goes back changes nothing.
            try await upkeep.turn(today: "2080-01-01")
            try await publish(database, 7...9)
            #expect(try await read(database) == Array(1...9))
            var place = FeedCursor.start
            for number in 1...9 as ClosedRange<Int64> {
                let next = try await readPage(database, after: place, limit: 1)
                #expect(next.events.map(\.sequence) == [number])
                place = next.cursor
                #expect(try await read(database, place) == Array(1...9).suffix(9 - Int(number)))
            }
            await #expect(throws: DatabaseError.serialization) { () async throws in
                try await database.run(InsertLate())
            }
        }
    }

    @Test func `old days are dropped, but never the last ones that were written`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database in
            let upkeep = OutboxUpkeep(of: database, keepDays: 2, log: .silent)
            try await publish(database, 1...1)
            // A shop that was off for years.
            try await upkeep.turn(today: "2090-01-01")
            #expect(try await read(database) == [1])
            try await publish(database, 2...2)
            for day in 2...5 {
                try await upkeep.turn(today: "2090-01-0\(day)")
                try await publish(database, Int64(day) + 1...Int64(day) + 1)
            }
            #expect(try await read(database) == [4, 5, 6])
            let start = try await database.one(FindFeedReach())?.start
            #expect(start != nil && start != .start)
        }
    }

    @Test func `a page ends at its bytes and holds one event at least`() async throws {
        try await withDatabase(migrations: outboxMigrations) { database in
            try await publish(database, 1...9)
            #expect(try await readPage(database, bytes: 1).events.map(\.sequence) == [1])
            #expect(try await readPage(database, bytes: 20).events.map(\.sequence) == [1, 2, 3])
        }
    }
}
