extension Invariant {
    /// Intent by intent, the provider keeps exactly the money that our payments say it keeps.
    static let providerAgrees = Invariant(
        name: "the provider's books equal ours",
        reads: [
            .provider: """
            SELECT charges.payment_intent, charges.amount - coalesce(sum(refunds.amount), 0) AS kept
              FROM charges
              JOIN payment_intents ON payment_intents.id = charges.payment_intent
              LEFT JOIN refunds ON refunds.charge = charges.id
             WHERE charges.status = 'succeeded' AND payment_intents.order_id IS NOT NULL
             GROUP BY charges.id HAVING charges.amount > coalesce(sum(refunds.amount), 0)
            """,
            .payment: """
            SELECT provider_intent, amount_cents FROM payments WHERE status IN ('captured', 'refunding')
            """,
        ],
        holds: { found in
            let theirs = found.keys(.provider)
            let ours = found.keys(.payment)
            let unknown = theirs.subtracting(ours).count
            let missing = ours.subtracting(theirs).count
            return Verdict(
                unknown == 0 && missing == 0,
                "\(ours.count) charges, \(missing) only here, \(unknown) only there"
            )
        }
    )
}
