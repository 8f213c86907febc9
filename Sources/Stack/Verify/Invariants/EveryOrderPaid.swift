extension Invariant {
    /// Order by order: a confirmed order holds a capture of exactly its total, and no money is kept for
    /// an order that ended otherwise.
    static let everyOrderPaid = Invariant(
        name: "each confirmed order is paid, no other is",
        reads: [
            .payment: """
            SELECT order_id, amount_cents FROM payments WHERE status IN ('captured', 'refunding')
            """,
            .order: "SELECT id, total_cents FROM orders WHERE status = 'confirmed'",
        ],
        holds: { found in
            let paid = found.keys(.payment)
            let confirmed = found.keys(.order)
            let unpaid = confirmed.subtracting(paid).count
            let kept = paid.subtracting(confirmed).count
            return Verdict(
                unpaid == 0 && kept == 0,
                "\(confirmed.count) confirmed, \(unpaid) unpaid, \(kept) paid in vain"
            )
        }
    )
}
