internal import HTTP
internal import Messaging
internal import Postgres
internal import ServiceKit

/// Tells customers what became of their orders and their money.
@main
enum NotificationService {
    static func main() {
        Service.run("notification") { boot in
            let orders = try boot.upstream("order", policy: .feed)
            let payments = try boot.upstream("payment", policy: .feed)
            let database = try await boot.database(migrations: Migrations.all)
            let consumer = EventConsumer(
                of: "order",
                from: orders,
                into: database,
                outbox: Outbox(),
                owner: boot.instance,
                log: boot.log,
                metrics: boot.metrics,
                tracer: boot.tracer
            ) { event, transaction throws(DatabaseError) in
                try await OrderEvents.apply(event, in: transaction)
            }
            let refunds = EventConsumer(
                of: "payment",
                from: payments,
                into: database,
                outbox: Outbox(),
                owner: boot.instance,
                log: boot.log,
                metrics: boot.metrics,
                tracer: boot.tracer
            ) { event, transaction throws(DatabaseError) in
                try await PaymentEvents.apply(event, in: transaction)
            }
            boot.routes { NotificationRoutes(store: Store(database)).register(&$0) }
            boot.follow([consumer, refunds], in: database)
        }
    }
}
