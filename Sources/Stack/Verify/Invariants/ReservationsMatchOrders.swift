extension Invariant {
    /// Stock is held for every confirmed order, and for no order that ended otherwise.
    static let reservationsMatchOrders = Invariant(
        name: "stock is held for confirmed orders only",
        reads: [
            .product: "SELECT order_id FROM reservations WHERE status = 'held'",
            .order: """
            SELECT id, status FROM orders WHERE status IN ('confirmed', 'pending', 'cancelling')
            """,
        ],
        holds: { found in
            let held = found.keys(.product)
            let rows = found.tables[.order]?.rows ?? []
            let known = Set(rows.compactMap(\.first))
            let confirmed = Set(rows.filter { $0.last == "confirmed" }.compactMap(\.first))
            let lost = confirmed.subtracting(held).count
            let stuck = held.subtracting(known).count
            return Verdict(
                lost == 0 && stuck == 0,
                "\(held.count) held, \(lost) confirmed without stock, \(stuck) held in vain"
            )
        }
    )
}
