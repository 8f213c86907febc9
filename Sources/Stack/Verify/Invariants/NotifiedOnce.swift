extension Invariant {
    /// Each event took effect once: one delivery for every outcome, none repeated.
    static let notifiedOnce = Invariant(
        name: "each event took effect once",
        reads: [
            .notification: """
            SELECT count(*) AS deliveries, count(*) - count(DISTINCT event_id) AS repeated
              FROM deliveries
            """
        ],
        holds: { found in
            let repeated = found.figure(.notification, "repeated")
            return Verdict(
                repeated == 0,
                "\(found.figure(.notification, "deliveries")) deliveries, \(repeated) repeated"
            )
        }
    )
}
