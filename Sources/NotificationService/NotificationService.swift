internal import HTTP
internal import Messaging
internal import Postgres
internal import ServiceKit

/// Tells customers what became of their orders.
@main
enum NotificationService {
    static func main() {
        Service.run("notification") { boot in
            let orders = try boot.upstream("order", policy: .feed)
            let database = try await boot.database(migrations: Migrations.all)
            let consumer = EventConsumer(
                of: "order",
                from: orders,
                into: database,
                outbox: Outbox(),
                owner: boot.instance,
                log: boot.log,
                metrics: boot.metrics
            ) { event, transaction throws(DatabaseError) in
                try await OrderEvents.apply(event, in: transaction)
            }
            boot.routes { NotificationRoutes(store: Store(database)).register(&$0) }
            boot.follow([consumer], in: database)
        }
    }
}
