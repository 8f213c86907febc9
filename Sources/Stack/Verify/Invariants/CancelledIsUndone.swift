extension Invariant {
    /// Order by order: what a cancelled order took has been given back, every cent of exactly its total
    /// and every piece, and nothing of a confirmed order.
    static let cancelledIsUndone = Invariant(
        name: "each cancelled order is refunded and restocked",
        reads: [
            .order: "SELECT id, total_cents FROM orders WHERE status = 'cancelled'",
            .payment: """
            SELECT order_id, refunded_cents FROM payments
             WHERE status = 'refunded' AND refunded_cents = amount_cents
            """,
            .product: "SELECT order_id FROM reservations WHERE status = 'released'",
        ],
        holds: { found in
            let cancelled = found.keys(.order)
            let orders = Set((found.tables[.order]?.rows ?? []).compactMap(\.first))
            let money = cancelled.subtracting(found.keys(.payment)).count
            let stock = orders.subtracting(found.keys(.product)).count
            return Verdict(
                money == 0 && stock == 0,
                "\(cancelled.count) cancelled, \(money) not refunded, \(stock) not restocked"
            )
        }
    )
}
