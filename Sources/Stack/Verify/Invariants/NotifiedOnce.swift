extension Invariant {
    /// Each event took effect once: one delivery, or one parked event, for every outcome in the outbox.
    ///
    /// Once old events were dropped, nobody can say any more what their deliveries were told of.
    static let notifiedOnce = Invariant(
        name: "each event took effect once",
        reads: [
            .order: """
            SELECT event_id::text FROM outbox
             WHERE type IN ('order.confirmed', 'order.rejected', 'order.cancelled')
             UNION ALL SELECT 'dropped' FROM outbox_head WHERE dropped_txid > '0'
            """,
            .payment: """
            SELECT event_id::text FROM outbox WHERE type = 'payment.refunded'
             UNION ALL SELECT 'dropped' FROM outbox_head WHERE dropped_txid > '0'
            """,
            .notification: """
            SELECT event_id, count(*) AS times
              FROM (
                SELECT event_id, kind FROM deliveries
                UNION ALL SELECT event_id, type FROM parked_events AS parked
                 WHERE NOT EXISTS (SELECT FROM deliveries WHERE event_id = parked.event_id)) AS told
             WHERE kind IN (
               'order.confirmed', 'order.rejected', 'order.cancelled', 'payment.refunded')
             GROUP BY event_id
            """,
        ],
        holds: { found in
            let kept = found.keys(.order).union(found.keys(.payment))
            let events = kept.subtracting(["dropped"])
            let told = found.tables[.notification]?.rows ?? []
            let repeated = told.count { $0.last != "1" }
            let known = Set(told.compactMap(\.first))
            let waiting = events.subtracting(known).count
            let unfounded = kept == events ? known.subtracting(events).count : 0
            return Verdict(
                repeated == 0 && waiting == 0 && unfounded == 0,
                "\(events.count) events, \(waiting) not told, \(repeated) told twice, "
                    + "\(unfounded) told of nothing"
            )
        }
    )
}
