import HTTP
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Messaging

@Suite(.serialized) struct ConsumerTests {
    @Test(.timeLimit(.minutes(2)))
    func `a poison event parks its own subject and the others flow`() async throws {
        try await Bench.with { bench in
            try await bench.consumer.run(Poison(subject: "b"))
            for sequence in 1...3 {
                for subject in ["a", "b", "c"] {
                    try await bench.publish(subject, Int64(sequence))
                }
            }
            let consumer = try bench.consumer()
            try await bench.follow([consumer]) {
                let parked = try await bench.consumer.one(CountParked(feed: "test"))
                return try await bench.effects().count == 6 && parked == 3
            }
            #expect(try await bench.effects() == ["a:1", "c:1", "a:2", "c:2", "a:3", "c:3"])
            let parked = try await bench.consumer.all(FindParked(limit: 10))
            #expect(parked.map(\.subject) == ["b"])
            #expect(parked.first?.events == 3)
            #expect(parked.first?.reason?.contains("subject") == true)
            #expect(bench.metrics.render().contains("events_parked_total{feed=\"test\"} 3"))

            // Still poison: nothing is applied, nothing lost.
            let early = try await consumer.replay("b")
            #expect(early.applied == 0 && early.left == 3 && early.reason != nil)
            try await bench.consumer.run(Heal())
            let late = try await consumer.replay("b")
            #expect(late.applied == 3 && late.left == 0 && late.reason == nil)
            #expect(try await bench.effects().suffix(3) == ["b:1", "b:2", "b:3"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a page counts only from where it was read, and only for who follows`() async throws {
        try await Bench.with { bench in
            let claim = ClaimCursor(
                feed: "test",
                start: .oldest,
                owner: "a",
                leaseMilliseconds: 60_000
            )
            #expect(try await bench.consumer.one(claim) == .oldest)
            let read = LockCursor(feed: "test", from: .oldest, owner: "a")
            #expect(try await bench.consumer.one(read) != nil)
            let other = LockCursor(feed: "test", from: .oldest, owner: "b")
            #expect(try await bench.consumer.one(other) == nil)
            try await bench.consumer.run(MoveCursor(feed: "test", to: "7-1"))
            // The same page, from a replica that slept while it was applied.
            #expect(try await bench.consumer.one(read) == nil)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a replay that dies in the middle leaves the rest parked, in order`() async throws {
        try await Bench.with { bench in
            try await bench.consumer.run(Poison(subject: "b"))
            for sequence in 1...4 { try await bench.publish("b", Int64(sequence)) }
            try await bench.follow([try bench.consumer()]) {
                try await bench.consumer.one(CountParked(feed: "test")) == 4
            }
            try await bench.consumer.run(Heal())
            let dying = try bench.consumer { event, tx throws(DatabaseError) in
                try await tx.run(InsertEffect(event: event))
                // After the effect, before the commit.
                if event.sequence == 3 { throw .unavailable("killed") }
            }
            await #expect(throws: DatabaseError.unavailable("killed")) { () async throws in
                _ = try await dying.replay("b")
            }
            #expect(try await bench.effects() == ["b:1", "b:2"])
            let rest = try await bench.consumer().replay("b")
            #expect(rest.applied == 2 && rest.left == 0)
            #expect(try await bench.effects() == ["b:1", "b:2", "b:3", "b:4"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a consumer without room to park stops rather than lose, until there is room`()
        async throws
    {
        try await Bench.with { bench in
            try await bench.consumer.run(Poison(subject: "b"))
            for sequence in 1...3 { try await bench.publish("b", Int64(sequence)) }
            try await bench.publish("a", 1)
            let consumer = try bench.consumer(maxParked: 2)
            try await bench.follow([consumer]) {
                try await bench.consumer.one(FindStopped()) != .some(nil)
            }
            #expect(try await bench.consumer.one(CountParked(feed: "test")) ?? 0 <= 2)
            #expect(try await bench.effects().isEmpty)
            try await bench.consumer.run(Heal())
            _ = try await consumer.replay("b")
            try await bench.follow([try bench.consumer()]) {
                try await bench.effects().count == 4
            }
            #expect(try await bench.effects() == ["b:1", "b:2", "b:3", "a:1"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `killed anywhere, by two replicas, rewound: the result is the same`() async throws {
        try await Bench.with { bench in
            let total = 60
            for number in 1...total {
                try await bench.publish("s\(number % 5)", Int64(number))
            }
            let deaths = Mutex(0)
            let dying: EventConsumer.Apply = { event, tx throws(DatabaseError) in
                try await tx.run(InsertEffect(event: event))
                let dies = deaths.withLock { deaths in
                    deaths += 1
                    return deaths % 7 == 0 && deaths < 60
                }
                // The connection is lost with the transaction open.
                if dies { throw .unavailable("killed") }
            }
            let replicas = [
                try bench.consumer("c.1", apply: dying), try bench.consumer("c.2", apply: dying),
            ]
            try await bench.follow(replicas) { try await bench.effects().count == total }
            let first = try await bench.effects()
            #expect(first == (1...total).map { "s\($0 % 5):\($0)" })

            #expect(try await bench.consumer.run(RewindCursor(feed: "test")) == 1)
            try await bench.publish("s1", 1000)
            try await bench.follow([try bench.consumer("c.3")]) {
                try await bench.effects().count > total
            }
            #expect(try await bench.effects() == first + ["s1:1000"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a consumer behind what was dropped stops until it is rewound`() async throws {
        try await Bench.with { bench in
            try await bench.publish("a", 1)
            try await bench.follow([try bench.consumer()]) {
                try await bench.effects() == ["a:1"]
            }
            try await bench.publish("a", 2)
            let upkeep = OutboxUpkeep(of: bench.producer, keepDays: 1, log: .silent)
            for day in ["2090-01-01", "2090-01-03", "2090-01-06"] {
                try await upkeep.turn(today: day)
                try await bench.publish("b", 1)
            }
            let consumer = try bench.consumer()
            try await bench.follow([consumer]) {
                try await bench.consumer.one(FindStopped()) != .some(nil)
            }
            #expect(bench.metrics.render().contains("events_consumer_stopped{feed=\"test\"} 1"))
            #expect(try await bench.effects() == ["a:1"])
            try await bench.consumer.run(RewindCursor(feed: "test"))
            try await bench.follow([try bench.consumer()]) {
                try await bench.effects().count > 1
            }
            #expect(try await bench.effects().suffix(1) == ["b:1"])
        }
    }
}
