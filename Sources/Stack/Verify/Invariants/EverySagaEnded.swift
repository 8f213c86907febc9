extension Invariant {
    /// Nothing is left half done: no saga waits for its next step, no order or payment is between states.
    static let everySagaEnded = Invariant(
        name: "every saga ended",
        reads: [
            .order: """
            SELECT (SELECT count(*) FROM saga_pending) AS sagas,
                   (SELECT count(*) FROM orders
                     WHERE status IN ('pending', 'cancelling')) AS orders
            """,
            .payment: """
            SELECT count(*) AS payments FROM payments
             WHERE status IN ('processing', 'voiding', 'refunding')
            """,
        ],
        holds: { found in
            let sagas = found.figure(.order, "sagas")
            let orders = found.figure(.order, "orders")
            let payments = found.figure(.payment, "payments")
            return Verdict(
                sagas == 0 && orders == 0 && payments == 0,
                "\(sagas) sagas, \(orders) orders, \(payments) payments in flight"
            )
        }
    )
}
