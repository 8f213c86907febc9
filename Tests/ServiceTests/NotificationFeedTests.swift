import Contracts
import FoundationEssentials
import HTTP
import Mesh
import Messaging
import Postgres
import PostgresHarness
import Reactor
import Telemetry
import Testing

@testable import NotificationService

/// The order service's feed over HTTP, and replicas of the notification service that follow it.
@Suite(.serialized) struct NotificationFeedTests {
    private func publish(_ count: Int, in orders: Database, _ outbox: Outbox) async throws {
        for _ in 0..<count {
            let data = orderEventData()
            let event = try outbox.publish(
                OrderEvent.confirmed,
                subject: data.orderID.description,
                sequence: 2,
                data: data
            )
            try await orders.run(event)
        }
    }

    /// Waits until so many deliveries were written, each for an event of its own.
    private func expect(_ count: Int, in inbox: Database) async throws {
        let deadline = Deadline.after(.seconds(30))
        while try await inbox.one(CountDeliveries())?.first != count {
            guard !deadline.hasPassed else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try await inbox.one(CountDeliveries()) == [count, 0, count])
    }

    private func follow(
        _ address: SocketAddress,
        into inbox: Database,
        as owner: String,
        on loop: EventLoop
    ) throws -> [Task<Void, Never>] {
        let upstream = Upstream(
            name: "order",
            endpoints: try Endpoints("\(address)"),
            client: HTTPClient(),
            tls: nil,
            log: .silent,
            metrics: Metrics()
        )
        let consumer = EventConsumer(
            of: "order",
            from: upstream,
            into: inbox,
            outbox: Outbox(),
            owner: owner,
            log: .silent,
            metrics: Metrics()
        ) { event, transaction throws(DatabaseError) in
            try await OrderEvents.apply(event, in: transaction)
        }
        return [
            Task(executorPreference: loop) { await upstream.run() },
            Task(executorPreference: loop) { await consumer.run() },
        ]
    }

    @Test(.timeLimit(.minutes(2)))
    func `every event is told once while replicas come and go`() async throws {
        let tables = [MessagingMigrations.outbox, MessagingMigrations.outboxDays]
        try await withDatabase(migrations: tables) { orders in
            try await withDatabase(migrations: Migrations.all, loops: 2) { inbox in
                var router = Router()
                EventFeed(of: "order", in: orders) { false }.add(to: &router, readers: .anyone)
                let group = try EventLoopGroup(count: 3)
                let server = HTTPServer(
                    listener: try Listener.bind(.loopback(port: 0)),
                    handler: router.handler
                )
                let serving = Task { try await server.run(on: group) }
                let outbox = Outbox()

                try await publish(25, in: orders, outbox)
                let first = try follow(server.address, into: inbox, as: "n.1", on: group.loops[0])
                let second = try follow(server.address, into: inbox, as: "n.2", on: group.loops[1])
                try await expect(25, in: inbox)

                // One stops, and gives its lease back; the other goes on.
                for task in first { task.cancel() }
                for task in first { await task.value }
                try await publish(25, in: orders, outbox)
                try await expect(50, in: inbox)

                // While nobody follows, events wait; a third replica goes on where the others left off.
                for task in second { task.cancel() }
                for task in second { await task.value }
                try await publish(5, in: orders, outbox)
                let third = try follow(server.address, into: inbox, as: "n.3", on: group.loops[2])
                try await expect(55, in: inbox)
                for task in third { task.cancel() }
                for task in third { await task.value }
                serving.cancel()
                _ = await serving.result
                group.shutdown()
            }
        }
    }
}
