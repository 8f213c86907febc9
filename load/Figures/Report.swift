internal import HTTP

/// What is printed in the end.
struct Report: Sendable, Encodable {
    /// One scenario's share, or all of it.
    struct Row: Sendable, Encodable, Equatable {
        let requests: Int
        let requestsPerSecond: Double
        let p50Milliseconds: Double
        let p90Milliseconds: Double
        let p99Milliseconds: Double
        let p999Milliseconds: Double
        let maxMilliseconds: Double
        let outcomes: [String: Int]

        enum CodingKeys: String, CodingKey {
            case requests, outcomes
            case requestsPerSecond = "requests_per_second"
            case p50Milliseconds = "p50_ms"
            case p90Milliseconds = "p90_ms"
            case p99Milliseconds = "p99_ms"
            case p999Milliseconds = "p999_ms"
            case maxMilliseconds = "max_ms"
        }

        init(_ tally: Tally, seconds: Double) {
            requests = tally.requests
            requestsPerSecond = Figure.rounded(Double(tally.requests) / max(seconds, 0.001))
            func percentile(_ share: Double) -> Double {
                Figure.milliseconds(tally.latencies.percentile(share))
            }
            p50Milliseconds = percentile(0.5)
            p90Milliseconds = percentile(0.9)
            p99Milliseconds = percentile(0.99)
            p999Milliseconds = percentile(0.999)
            maxMilliseconds = Figure.milliseconds(tally.latencies.longest)
            outcomes = tally.outcomes
        }
    }

    let seconds: Double
    let all: Row
    let confirmedPerSecond: Double
    /// Due, but not sent: too many waited for an answer already.
    let notSent: Int
    let scenarios: [String: Row]
    let timeline: [Moment]

    enum CodingKeys: String, CodingKey {
        case seconds, scenarios, timeline
        case confirmedPerSecond = "confirmed_per_second"
        case notSent = "not_sent"
    }

    init(_ recorder: Recorder, _ timeline: [Moment], took duration: Duration) {
        seconds = Figure.rounded(duration / .seconds(1))
        let sum = recorder.sum
        var rows: [String: Row] = [:]
        for (scenario, tally) in recorder.scenarios {
            rows[scenario.rawValue] = Row(tally, seconds: seconds)
        }
        all = Row(sum, seconds: seconds)
        scenarios = rows
        confirmedPerSecond = Figure.rounded(
            Double(sum.outcomes["201"] ?? 0) / max(seconds, 0.001)
        )
        notSent = recorder.refused
        self.timeline = timeline
    }

    /// The figures of all scenarios together are members of the report itself.
    func encode(to encoder: any Encoder) throws {
        try all.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(confirmedPerSecond, forKey: .confirmedPerSecond)
        try container.encode(notSent, forKey: .notSent)
        try container.encode(scenarios, forKey: .scenarios)
        try container.encode(timeline, forKey: .timeline)
    }

    /// The report for scripts.
    var json: String {
        get throws { String(decoding: try JSON.encode(self), as: UTF8.self) }
    }

    /// The report for people.
    var text: String {
        let head = ["", "requests", "a second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"]
        var table = [head]
        for (name, row) in rows {
            table.append(
                [name, "\(row.requests)", "\(row.requestsPerSecond)"]
                    + [
                        row.p50Milliseconds, row.p90Milliseconds, row.p99Milliseconds,
                        row.p999Milliseconds, row.maxMilliseconds,
                    ].map { "\($0)" }
            )
        }
        let widths = head.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            zip(row, widths).map { Figure.padded($0, $1) }.joined(separator: "  ")
        }
        let mixes = rows.map { "\($0.0): \(Figure.mix($0.1.outcomes))" }
        let lost = notSent > 0 ? ["\(notSent) were due and not sent: too many waited"] : []
        return (lines + [""] + mixes + lost + ["in \(seconds) s"]).joined(separator: "\n")
    }

    /// Rows with their names: each scenario, then all if there are several.
    var rows: [(String, Row)] {
        let known = Scenario.allCases.compactMap { scenario in
            scenarios[scenario.rawValue].map { (scenario.rawValue, $0) }
        }
        return known.count > 1 ? known + [("all", all)] : known
    }
}
