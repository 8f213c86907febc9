extension Invariant {
    /// What customers paid and did not get back is what they ordered, to the cent.
    static let moneyMatchesOrders = Invariant(
        name: "captured − refunded = confirmed orders",
        reads: [
            .payment: """
            SELECT coalesce(sum(amount_cents), 0) AS captured,
                   coalesce(sum(refunded_cents), 0) AS refunded
              FROM payments WHERE status IN ('captured', 'refunding', 'refunded')
            """,
            .order: """
            SELECT coalesce(sum(total_cents), 0) AS total FROM orders WHERE status = 'confirmed'
            """,
        ],
        holds: { found in
            let captured = found.figure(.payment, "captured")
            let refunded = found.figure(.payment, "refunded")
            let total = found.figure(.order, "total")
            return Verdict(
                captured - refunded == total,
                "\(captured) − \(refunded) = \(total) cents"
            )
        }
    )
}
