extension Invariant {
    /// Every order that ended said so once, and said what it is: confirmed or rejected, never both.
    ///
    /// A cancelled order was confirmed before, and says both. Orders older than the events that are kept
    /// are not asked.
    static let oneOutcomeEvent = Invariant(
        name: "each ended order has one outcome event",
        reads: [
            .order: """
            SELECT count(*) AS ended,
                   count(*) FILTER (WHERE coalesce(outcomes, 0) = 0) AS silent,
                   count(*) FILTER (WHERE outcomes > 1) AS repeated,
                   count(*) FILTER (WHERE
                     (status = 'rejected') <> (outcome = 'order.rejected')
                     OR (status = 'cancelled') <> (cancellations = 1)) AS wrong
              FROM orders LEFT JOIN (
                SELECT subject,
                       count(*) FILTER (WHERE type <> 'order.cancelled') AS outcomes,
                       count(*) FILTER (WHERE type = 'order.cancelled') AS cancellations,
                       min(type) FILTER (WHERE type <> 'order.cancelled') AS outcome
                  FROM outbox
                 WHERE type IN ('order.confirmed', 'order.rejected', 'order.cancelled')
                 GROUP BY subject) AS said ON said.subject = orders.id::text
             WHERE status <> 'pending'
               AND created_at >= coalesce(
                 (SELECT min(day) FROM outbox_days WHERE EXISTS (
                   SELECT FROM outbox_head WHERE dropped_txid > '0')), '-infinity')
            """
        ],
        holds: { found in
            let ended = found.figure(.order, "ended")
            let silent = found.figure(.order, "silent")
            let repeated = found.figure(.order, "repeated")
            let wrong = found.figure(.order, "wrong")
            return Verdict(
                silent == 0 && repeated == 0 && wrong == 0,
                "\(ended) ended, \(silent) silent, \(repeated) with several, \(wrong) with a wrong one"
            )
        }
    )
}
