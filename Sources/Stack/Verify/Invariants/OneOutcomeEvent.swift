extension Invariant {
    /// Every order that ended said so once: confirmed or rejected, never both, never twice.
    static let oneOutcomeEvent = Invariant(
        name: "each ended order has one outcome event",
        reads: [
            .order: """
            SELECT count(*) AS ended,
                   count(*) FILTER (WHERE outcomes IS NULL) AS silent,
                   count(*) FILTER (WHERE outcomes > 1) AS repeated
              FROM orders LEFT JOIN (
                SELECT subject, count(*) AS outcomes FROM outbox
                 WHERE type IN ('order.confirmed', 'order.rejected') GROUP BY subject) AS said
                ON said.subject = orders.id::text
             WHERE status IN ('confirmed', 'rejected', 'cancelled')
            """
        ],
        holds: { found in
            let ended = found.figure(.order, "ended")
            let silent = found.figure(.order, "silent")
            let repeated = found.figure(.order, "repeated")
            return Verdict(
                silent == 0 && repeated == 0,
                "\(ended) ended, \(silent) without an event, \(repeated) with several"
            )
        }
    )
}
