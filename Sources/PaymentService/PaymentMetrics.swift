internal import Telemetry

/// Counts how charges and voids end.
struct OutcomeCounters: Sendable {
    private let family: Family<Counter>

    init(_ metrics: Metrics) {
        family = metrics.counters(
            "payment_outcomes_total",
            "How charges and voids ended.",
            labels: ["purpose", "outcome"]
        )
    }

    /// Counts one answer.
    func count(_ purpose: PaymentMachine.Purpose, _ outcome: PaymentMachine.Outcome) {
        family.with("\(purpose)", "\(outcome)").increment()
    }
}

/// Shows the payments that should have ended long ago.
struct UnsettledGauges: Sendable {
    private let charges: Gauge
    private let voids: Gauge

    init(_ metrics: Metrics) {
        let help = "Payments without an end: charges for 10 minutes, voids for one."
        let family = metrics.gauges("payment_unsettled", help, labels: ["purpose"])
        charges = family.with("charge")
        voids = family.with("void")
    }

    /// Sets what was counted last.
    func set(charges: Int64, voids: Int64) {
        self.charges.set(Int(charges))
        self.voids.set(Int(voids))
    }
}
