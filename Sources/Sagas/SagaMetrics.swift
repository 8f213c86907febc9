internal import Telemetry

/// What sagas tell the outside about themselves.
struct SagaMetrics: Sendable {
    let adopted: Counter
    let reclaimed: Counter
    let parked: Counter
    let ended: Family<Counter>
    let steps: Family<Counter>
    private let saga: String

    init(_ metrics: Metrics, saga: String) {
        self.saga = saga
        adopted = metrics.counter(
            "saga_adopted_total",
            "Sagas taken over from a driver that was gone."
        )
        reclaimed = metrics.counter(
            "saga_reclaimed_total",
            "Sagas claimed again by their driver, after a commit without an answer."
        )
        parked = metrics.counter("saga_parked_total", "Pauses between tries to undo or to finish.")
        ended = metrics.counters(
            "saga_ended_total",
            "Sagas that came to an end, or to another driver.",
            labels: ["end"]
        )
        steps = metrics.counters(
            "saga_steps_total",
            "Tries of saga steps by outcome.",
            labels: ["step", "action", "outcome"]
        )
    }

    func note(_ end: SagaMachine.End) {
        switch end {
        case .completed: ended.with("completed").increment()
        case .compensated: ended.with("compensated").increment()
        case .handedOver: ended.with("handed-over").increment()
        }
    }
}
