public import Postgres
internal import Reactor
internal import Synchronization
public import Telemetry

/// Counts sagas for the metrics, and raises its voice about those that stand still.
///
/// It looks at every kind, also at those that this process has no steps for: a saga that nobody can
/// drive is seen here and nowhere else.
public struct SagaWatch: Sendable {
    private let database: Database
    private let log: Logger
    private let interval: Duration
    private let pending: Family<Gauge>
    private let stuck: Family<Gauge>

    /// Describes a watch; `run` starts it.
    ///
    /// - Parameter interval: between two looks, less up to half of it at random.
    public init(
        _ database: Database,
        log: Logger,
        metrics: Metrics,
        interval: Duration = .seconds(10)
    ) {
        self.database = database
        self.log = log
        self.interval = interval
        pending = metrics.gauges(
            "sagas_pending",
            "Sagas that have not ended, whoever drives them.",
            labels: ["saga", "phase"]
        )
        stuck = metrics.gauges(
            "sagas_stuck",
            "Sagas that stand still: no answer for many tries, or nobody to drive them.",
            labels: ["saga", "phase"]
        )
    }

    /// Looks until the task is cancelled.
    public func run() async {
        var alarm = StuckAlarm()
        var known: Set<[String]> = []
        while !Task.isCancelled {
            do throws(DatabaseError) {
                show(try await database.all(CountSagas()), &alarm, &known)
            } catch {
                log.warning("cannot count sagas", ["error": .string("\(error)")])
            }
            try? await EventLoop.sleep(for: interval * Double.random(in: 0.5...1))
        }
    }

    private func show(
        _ counts: [SagaCount],
        _ alarm: inout StuckAlarm,
        _ known: inout Set<[String]>
    ) {
        let seen = Set(counts.map { [$0.kind, $0.phase] })
        for labels in known.subtracting(seen) {
            pending.with(labels).set(0)
            stuck.with(labels).set(0)
        }
        known.formUnion(seen)
        for count in counts {
            pending.with(count.kind, count.phase).set(count.pending)
            stuck.with(count.kind, count.phase).set(count.stuck)
        }
        for count in alarm.tell(counts) {
            log.error(
                "sagas are stuck",
                [
                    "saga": .string(count.kind), "phase": .string(count.phase),
                    "count": .int(count.stuck), "one_of_them": .string(count.example ?? ""),
                    "last_error": .string(count.lastError ?? ""),
                ]
            )
        }
    }
}

/// Decides when stuck sagas are worth a log line: when their number changes, and now and then.
struct StuckAlarm {
    /// How many looks pass before the same number is told again.
    static let silence = 30

    private var told: [String: (stuck: Int, looks: Int)] = [:]

    /// Takes in a look and returns what to tell of it.
    mutating func tell(_ counts: [SagaCount]) -> [SagaCount] {
        var next: [String: (stuck: Int, looks: Int)] = [:]
        var loud: [SagaCount] = []
        for count in counts where count.stuck > 0 {
            let key = "\(count.kind) \(count.phase)"
            let before = told[key]
            if let before, before.stuck == count.stuck, before.looks + 1 < Self.silence {
                next[key] = (count.stuck, before.looks + 1)
            } else {
                next[key] = (count.stuck, 0)
                loud.append(count)
            }
        }
        told = next
        return loud
    }
}
