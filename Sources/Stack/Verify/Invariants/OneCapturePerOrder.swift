extension Invariant {
    /// Nobody is charged twice, neither in our ledger nor in the provider's.
    static let oneCapturePerOrder = Invariant(
        name: "at most one capture per order",
        reads: [
            .payment: """
            SELECT count(*) AS twice FROM (
              SELECT order_id
                FROM ledger_entries JOIN payments ON payments.id = ledger_entries.payment_id
               WHERE kind = 'capture' AND account = 'provider_clearing'
               GROUP BY order_id HAVING count(*) > 1) AS repeated
            """,
            .provider: """
            SELECT count(*) AS twice FROM (
              SELECT order_id
                FROM charges JOIN payment_intents ON payment_intents.id = charges.payment_intent
               WHERE charges.status = 'succeeded' AND order_id IS NOT NULL
               GROUP BY order_id HAVING count(*) > 1) AS repeated
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
