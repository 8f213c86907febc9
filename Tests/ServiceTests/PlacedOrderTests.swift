import Contracts
import HTTP
import Journaling
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Testing

@testable import OrderService

/// What is told of an order that is placed while PostgreSQL is dead, with a PostgreSQL that is killed.
@Suite(.serialized) struct PlacedOrderTests {
    private let customer = UserID.next()

    @Test func `an order that is placed is not said to be saved when the database dies`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                let first = try await replica.checkOut("k", by: customer)
                #expect(first.status == .created)
                try await world.server.crash()
                try await expectPlaced(replica, "k", id: try first.text("id"))
                let other = try await replica.checkOut("other", by: customer)
                #expect(other.status == .accepted && other.json["status"] == "saved")
                #expect(replica.saved.journal.depth == 1)

                try await world.server.restart()
                let id = try other.text("id")
                _ = try await replica.wait(for: id, by: customer, toBe: "confirmed")
                try await world.server.crash()
                try await expectPlaced(replica, "other", id: id)
            }
            try await world.server.restart()
            // Another replica learns of the order by its key alone.
            try await world.replica { replica in
                try await replica.reconnect()
                let seen = try await replica.checkOut("k", by: customer)
                #expect(seen.status == .created)
                try await world.server.crash()
                try await expectPlaced(replica, "k", id: try seen.text("id"))
            }
        }
    }

    /// Neither 503, which a gateway takes to another replica, nor `saved`.
    private func expectPlaced(_ replica: Replica, _ key: String, id: String) async throws {
        let again = try await replica.checkOut(key, by: customer)
        #expect(again.status == .conflict && again.type == "/problems/order-pending", "\(again)")
        #expect(again.headers[.retryAfter] == "1")
        #expect(again.headers[.location] == "/orders/\(id)")
        #expect(try again.text("order_id") == id)
    }

    @Test func `what the journal has yet to forget is not shown once it was seen placed`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { try await $0.migrate() }
            try await world.server.crash()
            try await world.replica(replays: false) { slow in
                let id = try await slow.checkOut("k", by: customer).text("id")
                try await world.server.restart()
                try await slow.reconnect()
                try await world.replica { other in
                    try await other.reconnect()
                    #expect(try await other.checkOut("k", by: customer).status == .created)
                }
                let seen = try await slow.call(.get, "/orders/\(id)", by: customer)
                #expect(seen.json["status"] == "confirmed")
                try await world.server.crash()
                let later = try await slow.call(.get, "/orders/\(id)", by: customer)
                #expect(later.status == .serviceUnavailable, "\(later)")
                try await expectPlaced(slow, "k", id: id)
            }
        }
    }

    @Test func `a checkout that is given up and made elsewhere is one order, whoever drives it`()
        async throws
    {
        try await OrderWorld.with { world in
            // The charge takes longer than the caller has for the first try.
            let isCharging = OneShot<Bool>()
            world.participants.decline { _ = await isCharging.wait(until: .after(.seconds(30))) }
            try await world.replica { first in
                try await first.migrate()
                let deadline = Deadline.after(.seconds(2))
                let told = try await Deadline.$current.withValue(deadline) {
                    try await first.checkOut("k", by: customer)
                }
                #expect(told.status == .accepted && !deadline.hasPassed, "\(told)")
                let id = try told.text("id")
                try await world.replica { second in
                    try await expectPlaced(second, "k", id: id)
                    isCharging.resolve(true)
                    _ = try await second.wait(for: id, by: customer, toBe: "rejected")
                    let again = try await second.checkOut("k", by: customer)
                    #expect(again.status == .paymentRequired, "\(again)")
                    #expect(try await second.count() == 1)
                }
            }
            let reserved = world.participants.state.withLock(\.reservations)
            #expect(reserved.count == 1 && reserved.values.allSatisfy { $0 == 1 }, "\(reserved)")
        }
    }

    @Test func `orders placed lately are remembered, and not all of them for ever`() {
        let recent = RecentOrders(limit: 2)
        let orders = (0..<5).map { _ in OrderID.next() }
        for order in orders { recent.remember(order) }
        #expect(orders.map(recent.contains) == [false, false, true, true, true])
    }
}
