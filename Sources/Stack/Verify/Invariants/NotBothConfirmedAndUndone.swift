extension Invariant {
    /// A confirmed order was not also compensated: not in its events, its payment or its stock.
    static let notBothConfirmedAndUndone = Invariant(
        name: "no order both confirmed and undone",
        reads: [
            .order: "SELECT id FROM orders WHERE status = 'confirmed'",
            .payment:
                "SELECT order_id FROM payments WHERE status NOT IN ('captured', 'processing')",
            .product: "SELECT order_id FROM reservations WHERE status <> 'held'",
        ],
        holds: { found in
            let confirmed = found.keys(.order)
            let money = confirmed.intersection(found.keys(.payment)).count
            let stock = confirmed.intersection(found.keys(.product)).count
            return Verdict(
                money == 0 && stock == 0,
                "\(confirmed.count) confirmed, \(money) with money back, \(stock) with stock back"
            )
        }
    )
}
