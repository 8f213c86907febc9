extension Invariant {
    /// Nothing is left half done: no saga waits for its next step, no order is between states.
    static let everySagaEnded = Invariant(
        name: "every saga ended",
        reads: [
            .order: """
            SELECT (SELECT count(*) FROM saga_pending) AS sagas,
                   (SELECT count(*) FROM orders WHERE status IN ('pending', 'compensating')) AS orders
            """
        ],
        holds: { found in
            let sagas = found.figure(.order, "sagas")
            let orders = found.figure(.order, "orders")
            return Verdict(
                sagas == 0 && orders == 0,
                "\(sagas) sagas and \(orders) orders in flight"
            )
        }
    )
}
