extension Invariant {
    /// Each event took effect once: one delivery, or one parked event, for every outcome in the outbox.
    static let notifiedOnce = Invariant(
        name: "each event took effect once",
        reads: [
            .order: """
            SELECT event_id FROM outbox
             WHERE type IN ('order.confirmed', 'order.rejected', 'order.cancelled')
            """,
            .notification: """
            SELECT event_id, count(*) AS times
              FROM (
                SELECT event_id, kind FROM deliveries
                UNION ALL SELECT event_id, type FROM parked_events) AS told
             WHERE kind IN ('order.confirmed', 'order.rejected', 'order.cancelled')
             GROUP BY event_id
            """,
        ],
        holds: { found in
            let events = found.keys(.order)
            let told = found.tables[.notification]?.rows ?? []
            let repeated = told.count { $0.last != "1" }
            let known = Set(told.compactMap(\.first))
            let waiting = events.subtracting(known).count
            let unfounded = known.subtracting(events).count
            return Verdict(
                repeated == 0 && waiting == 0 && unfounded == 0,
                "\(events.count) events, \(waiting) not told, \(repeated) told twice, "
                    + "\(unfounded) told of nothing"
            )
        }
    )
}
