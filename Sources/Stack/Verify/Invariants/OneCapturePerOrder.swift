extension Invariant {
    /// Nobody is charged twice, neither in our books nor in the provider's.
    static let oneCapturePerOrder = Invariant(
        name: "at most one capture per order",
        reads: [
            .payment: """
            SELECT count(*) AS twice FROM (
              SELECT order_id FROM payments WHERE status IN ('captured', 'refunded')
               GROUP BY order_id HAVING count(*) > 1) AS repeated
            """,
            .provider: """
            SELECT count(*) AS twice FROM (
              SELECT metadata->>'order_id' FROM payment_intents WHERE status = 'succeeded'
               GROUP BY 1 HAVING count(*) > 1) AS repeated
            """,
        ],
        holds: { found in
            let ours = found.figure(.payment, "twice")
            let theirs = found.figure(.provider, "twice")
            return Verdict(
                ours == 0 && theirs == 0,
                "\(ours) charged twice here, \(theirs) at the provider"
            )
        }
    )
}
