extension Invariant {
    /// The provider moved exactly the money that our payments say it moved.
    static let providerAgrees = Invariant(
        name: "the provider's books equal ours",
        reads: [
            .provider: """
            SELECT (SELECT coalesce(sum(amount_cents), 0) FROM payment_intents
                     WHERE status = 'succeeded') AS captured,
                   (SELECT coalesce(sum(amount_cents), 0) FROM refunds) AS refunded
            """,
            .payment: """
            SELECT coalesce(sum(amount_cents), 0) AS kept FROM payments WHERE status = 'captured'
            """,
        ],
        holds: { found in
            let captured = found.figure(.provider, "captured")
            let refunded = found.figure(.provider, "refunded")
            let kept = found.figure(.payment, "kept")
            return Verdict(captured - refunded == kept, "\(captured) − \(refunded) = \(kept) cents")
        }
    )
}
