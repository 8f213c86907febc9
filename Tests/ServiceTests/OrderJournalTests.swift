import Contracts
import HTTP
import Journaling
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import OrderService

/// What becomes of checkouts while PostgreSQL is dead, with a PostgreSQL that is killed.
@Suite(.serialized) struct OrderJournalTests {
    private let customer = UserID.next()

    @Test func `a checkout without a database is saved, answered alike, and placed once`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                try await world.server.crash()
                let first = try await replica.checkOut("k", by: customer)
                #expect(first.status == .accepted, "\(first)")
                #expect(first.json["status"] == "saved")
                #expect(first.json["message"]?.string?.hasPrefix("We're experiencing") == true)
                let id = try first.text("id")
                #expect(first.headers[.location] == "/orders/\(id)")
                #expect(first.headers["idempotency-replayed"] == nil)

                let again = try await replica.checkOut("k", by: customer)
                #expect(again.status == .accepted)
                #expect(again.bytes == first.bytes)
                #expect(again.headers["idempotency-replayed"] == "true")
                let other = try await replica.checkOut("k", by: customer, quantity: 2)
                #expect(other.status == .unprocessable)
                #expect(other.type == "/problems/idempotency-key-reused")

                let seen = try await replica.call(.get, "/orders/\(id)", by: customer)
                #expect(seen.status == .ok)
                #expect(seen.bytes == first.bytes)
                for (target, reader) in [
                    ("/orders/\(OrderID.next())", customer), ("/orders/\(id)", UserID.next()),
                    ("/orders", customer),
                ] {
                    let answer = try await replica.call(.get, target, by: reader)
                    #expect(answer.status == .serviceUnavailable, "\(target) \(answer)")
                    #expect(answer.headers[.retryAfter] != nil)
                }

                try await world.server.restart()
                let confirmed = try await replica.wait(for: id, by: customer, toBe: "confirmed")
                #expect(confirmed.json["status"] == "confirmed", "\(confirmed)")
                #expect(confirmed.json["created_at"] == first.json["created_at"])
                #expect(try await replica.count() == 1)
                #expect(replica.replays("placed") == 1)
                let last = try await replica.checkOut("k", by: customer)
                #expect(last.status == .created)
                #expect(try last.text("id") == id)
                #expect(replica.saved.journal.depth == 0)
            }
        }
    }

    @Test func `a restart in the middle of the outage forgets nothing`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { try await $0.migrate() }
            try await world.server.crash()
            try await world.replica { replica in
                for number in 0..<5 {
                    let answer = try await replica.checkOut("k-\(number)", by: customer)
                    #expect(answer.status == .accepted, "\(answer)")
                }
            }
            try await world.replica { replica in
                let again = try await replica.checkOut("k-3", by: customer)
                #expect(again.status == .accepted)
                #expect(again.headers["idempotency-replayed"] == "true")
                try await world.server.restart()
                let id = try again.text("id")
                let confirmed = try await replica.wait(for: id, by: customer, toBe: "confirmed")
                #expect(confirmed.json["status"] == "confirmed")
                let end = Deadline.after(.seconds(10))
                while replica.saved.journal.depth > 0, !end.hasPassed {
                    try await EventLoop.sleep(for: .milliseconds(50))
                }
                #expect(try await replica.count() == 5)
            }
        }
    }

    @Test func `another replica that placed the order meanwhile placed the same one`() async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { try await $0.migrate() }
            try await world.server.crash()
            try await world.replica(replays: false) { slow in
                let saved = try await slow.checkOut("k", by: customer)
                #expect(saved.status == .accepted, "\(saved)")
                try await world.server.restart()
                try await slow.reconnect()
                try await world.replica { other in
                    try await other.reconnect()
                    let id = try saved.text("id")
                    // It has never heard of the order, and says so rather than that there is none.
                    let unknown = try await other.call(.get, "/orders/\(id)", by: customer)
                    #expect(unknown.status == .serviceUnavailable, "\(unknown)")
                    let placed = try await other.checkOut("k", by: customer)
                    #expect(placed.status == .created, "\(placed)")
                    #expect(try placed.text("id") == id)
                    let seen = try await slow.call(.get, "/orders/\(id)", by: customer)
                    #expect(seen.json["status"] == "confirmed", "states never go backwards")
                }
                let isReached = await slow.replay.place(slow.saved.all) { slow.saved.forget($0) }
                #expect(isReached)
                #expect(slow.replays("same") == 1)
                #expect(slow.saved.all.isEmpty)
                #expect(try await slow.count() == 1)
            }
        }
    }

    @Test func `of two checkouts under one key the first placed wins, and the other is told of`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { try await $0.migrate() }
            try await world.server.crash()
            try await world.replica(replays: false) { first in
                try await world.replica(replays: false) { second in
                    let one = try await first.checkOut("k", by: customer)
                    let two = try await second.checkOut("k", by: customer, quantity: 2)
                    #expect(one.status == .accepted && two.status == .accepted)
                    #expect(try one.text("id") == two.text("id"))
                    try await world.server.restart()
                    try await first.reconnect()
                    try await second.reconnect()
                    #expect(await first.replay.place(first.saved.all) { first.saved.forget($0) })
                    #expect(await second.replay.place(second.saved.all) { second.saved.forget($0) })
                    #expect(first.replays("placed") == 1)
                    #expect(second.replays("lost") == 1)
                    #expect(try await first.count() == 1)
                }
            }
        }
    }

    @Test func `a process that died after placing and before forgetting places nothing twice`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { try await $0.migrate() }
            try await world.server.crash()
            try await world.replica(replays: false) { replica in
                #expect(try await replica.checkOut("k", by: customer).status == .accepted)
                try await world.server.restart()
                try await replica.reconnect()
                #expect(await replica.replay.place(replica.saved.all) { _ in })
                #expect(replica.replays("placed") == 1)
            }
            try await world.replica { replica in
                let end = Deadline.after(.seconds(10))
                while replica.saved.journal.depth > 0, !end.hasPassed {
                    try await EventLoop.sleep(for: .milliseconds(50))
                }
                #expect(replica.replays("same") == 1)
                #expect(try await replica.count() == 1)
            }
        }
    }

    @Test func `what a replica left behind that never came back is placed by another`() async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { survivor in
                try await survivor.migrate()
                try await world.server.crash()
                try await world.replica(replays: false) { lost in
                    let saved = try await lost.checkOut("k", by: customer)
                    #expect(saved.status == .accepted, "\(saved)")
                }
                try await world.server.restart()
                let id = OrderID.naming(customer, try #require(IdempotencyKey(rawValue: "k")))
                let seen = try await survivor.wait(
                    for: id.description,
                    by: customer,
                    toBe: "confirmed"
                )
                #expect(seen.json["status"] == "confirmed", "\(seen)")
                #expect(try await survivor.count() == 1)
            }
        }
    }

    @Test func `what is invalid or has no price or no room is refused, and nothing is stored`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica(maxBytes: 1000) { replica in
                try await replica.migrate()
                try await world.server.crash()
                let invalid = try await replica.checkOut("k", by: customer, quantity: 0)
                #expect(invalid.status == .unprocessable)
                let number = "pm_4242424242424242"
                let careless = try await replica.checkOut("k", by: customer, card: number)
                #expect(careless.status == .unprocessable)
                #expect(!String(decoding: careless.bytes, as: UTF8.self).contains("4242"))
                #expect(replica.saved.journal.depth == 0)
                world.participants.bring(false)
                let unpriced = try await replica.checkOut("k", by: customer)
                #expect(unpriced.status == .serviceUnavailable, "\(unpriced)")
                #expect(unpriced.headers[.retryAfter] != nil)
                #expect(replica.saved.journal.depth == 0)

                world.participants.bring(true)
                #expect(try await replica.checkOut("a", by: customer).status == .accepted)
                // What the product was quoted at last is what it costs while nobody can be asked.
                world.participants.ask(9999)
                let full = try await replica.checkOut("b", by: customer)
                #expect(full.status == .serviceUnavailable, "\(full)")
                #expect(full.headers[.retryAfter] != nil)
                #expect(replica.saved.all.count == 1)
                try await world.server.restart()
            }
        }
    }

    @Test func `with the catalog dead as well, the last known price holds`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                #expect(try await replica.checkOut("before", by: customer).status == .created)
                try await world.server.crash()
                world.participants.bring(false)
                let saved = try await replica.checkOut("k", by: customer, quantity: 2)
                #expect(saved.status == .accepted, "\(saved)")
                #expect(saved.json["total_cents"] == 2100)
                world.participants.ask(9999)
                world.participants.bring(true)
                try await world.server.restart()
                let id = try saved.text("id")
                let placed = try await replica.wait(for: id, by: customer, toBe: "confirmed")
                #expect(placed.json["total_cents"] == 2100, "\(placed)")
            }
        }
    }

    @Test func `with a catalog that hangs, the last known price holds`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                #expect(try await replica.checkOut("before", by: customer).status == .created)
                try await world.server.crash()
                world.participants.whenQuoting { try? await EventLoop.sleep(for: .seconds(3)) }
                let saved = try await Deadline.$current.withValue(.after(.seconds(1))) {
                    try await replica.checkOut("k", by: customer)
                }
                #expect(saved.status == .accepted && saved.json["status"] == "saved", "\(saved)")
            }
        }
    }

    @Test func `an order that is more than can be charged is refused before it is stored`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                world.participants.ask(ChargeRequest.maxAmountCents)
                let dear = try await replica.checkOut("k", by: customer, quantity: 2)
                #expect(dear.status == .unprocessable, "\(dear)")
                #expect(dear.json["errors"]?.array?.first?["pointer"] == "/items")
                #expect(try await replica.count() == 0)
                #expect(world.participants.state.withLock(\.reservations).isEmpty)
                try await world.server.crash()
                let unsaved = try await replica.checkOut("k", by: customer, quantity: 2)
                #expect(unsaved.status == .unprocessable, "\(unsaved)")
                #expect(replica.saved.journal.depth == 0)
            }
        }
    }

    @Test func `a key that is repeated gets the very answer that was given`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                let first = try await replica.checkOut("k", by: customer)
                // Times are told to the millisecond: an answer made anew would be a later one.
                try await EventLoop.sleep(for: .milliseconds(5))
                let again = try await replica.checkOut("k", by: customer)
                #expect(first.status == .created && again.status == .created)
                #expect(first.json["updated_at"] != nil)
                #expect(again.json == first.json)
                #expect(again.headers["idempotency-replayed"] == "true")
            }
        }
    }

    @Test func `of checkouts alike to the instant, one is the first and the others repeat it`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica(replays: false) { replica in
                let order = try SavedOrderTests.saved()
                let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 {
                        group.addTask { try await replica.saved.save(order).isFirst }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(firsts.filter { $0 }.count == 1)
                #expect(replica.saved.journal.depth == 1)
            }
        }
    }

    @Test func `fifty at once under one key are one order, saved or placed`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                for key in ["placed", "saved"] {
                    if key == "saved" { try await world.server.crash() }
                    let answers = try await withThrowingTaskGroup(of: UserAnswer.self) { group in
                        for _ in 0..<50 {
                            group.addTask { try await replica.checkOut(key, by: customer) }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    let first = answers.filter { $0.headers["idempotency-replayed"] == nil }
                    let done = first.filter { $0.status.code < 300 }
                    #expect(done.count == 1, "\(key)")
                    let rest: Set<Int> = key == "placed" ? [201, 409] : [202]
                    #expect(answers.allSatisfy { rest.contains($0.status.code) })
                }
                try await world.server.restart()
                let end = Deadline.after(.seconds(10))
                while replica.saved.journal.depth > 0, !end.hasPassed {
                    try await EventLoop.sleep(for: .milliseconds(50))
                }
                #expect(try await replica.count() == 2)
            }
        }
    }
}
