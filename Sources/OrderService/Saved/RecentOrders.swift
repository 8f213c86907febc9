internal import Contracts
internal import Synchronization

/// The orders that this process has placed lately, bounded in number.
///
/// With the database out of reach a repeated key would be saved as if it were new, and its client told
/// `saved` of an order that may be confirmed long since. Whoever placed it knows better.
final class RecentOrders: Sendable {
    private struct Generations {
        var present: Set<OrderID> = []
        var former: Set<OrderID> = []
    }

    private let limit: Int
    private let orders = Mutex(Generations())

    /// Remembers at least `limit` orders, and at most twice as many.
    init(limit: Int = 10_000) {
        self.limit = max(1, limit)
    }

    func remember(_ order: OrderID) {
        orders.withLock { orders in
            if orders.present.count >= limit {
                orders.former = orders.present
                orders.present = []
            }
            orders.present.insert(order)
        }
    }

    func contains(_ order: OrderID) -> Bool {
        orders.withLock { $0.present.contains(order) || $0.former.contains(order) }
    }
}
