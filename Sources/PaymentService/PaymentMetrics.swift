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

/// Shows where the provider's records and our books differ.
struct DifferenceMeasures: Sendable {
    private let open: Family<Gauge>
    private let found: Family<Counter>

    init(_ metrics: Metrics) {
        open = metrics.gauges(
            "payment_differences",
            "Differences from the provider's records that are open.",
            labels: ["kind"]
        )
        found = metrics.counters(
            "payment_differences_total",
            "Differences from the provider's records that were found.",
            labels: ["kind", "state"]
        )
        for kind in Discrepancy.Kind.allCases { open.with(kind.rawValue).set(0) }
    }

    /// Counts one that is new.
    func count(_ kind: Discrepancy.Kind, _ state: Discrepancy.State) {
        found.with(kind.rawValue, state.rawValue).increment()
    }

    /// Sets what is open now.
    func setOpen(_ counts: [(kind: Discrepancy.Kind, count: Int64)]) {
        for kind in Discrepancy.Kind.allCases {
            let count = counts.first { $0.kind == kind }?.count ?? 0
            open.with(kind.rawValue).set(Int(count))
        }
    }
}
