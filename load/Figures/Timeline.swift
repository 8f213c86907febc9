/// One second of a run.
struct Moment: Sendable, Encodable, Equatable {
    /// Since the run began.
    var second: Double
    var requests: Int
    var perSecond: Double
    var p50Milliseconds: Double
    var p99Milliseconds: Double
    var outcomes: [String: Int]
    var inFlight: Int
    /// What the platform says of itself; nil when it was not asked.
    var gauges: Gauges?

    enum CodingKeys: String, CodingKey {
        case second, requests, outcomes, gauges
        case perSecond = "per_second"
        case p50Milliseconds = "p50_ms"
        case p99Milliseconds = "p99_ms"
        case inFlight = "in_flight"
    }

    init(_ window: Tally, at second: Double, took: Double, inFlight: Int, _ gauges: Gauges?) {
        self.second = Figure.rounded(second)
        requests = window.requests
        perSecond = Figure.rounded(Double(window.requests) / max(took, 0.001))
        p50Milliseconds = Figure.milliseconds(window.latencies.percentile(0.5))
        p99Milliseconds = Figure.milliseconds(window.latencies.percentile(0.99))
        outcomes = window.outcomes
        self.inFlight = inFlight
        self.gauges = gauges
    }

    /// The moment in one line, for a terminal.
    var line: String {
        var parts = [
            Figure.padded("\(Int(second.rounded())) s", 6),
            Figure.padded("\(Int(perSecond.rounded()))/s", 8),
            "p50 \(Figure.padded("\(p50Milliseconds)", 7)) ms",
            "p99 \(Figure.padded("\(p99Milliseconds)", 7)) ms",
            "waiting \(Figure.padded("\(inFlight)", 4))",
        ]
        if let gauges { parts.append(gauges.text) }
        parts.append(Figure.mix(outcomes))
        return parts.joined(separator: "  ")
    }
}

/// Numbers as people read them.
enum Figure {
    static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }

    static func milliseconds(_ duration: Duration) -> Double {
        rounded(duration / .milliseconds(1))
    }

    /// Right-aligned in a column, as numbers are.
    static func padded(_ text: String, _ width: Int) -> String { filling(text, width) + text }

    /// Left-aligned in a column, as names are.
    static func name(_ text: String, _ width: Int) -> String { text + filling(text, width) }

    private static func filling(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count))
    }

    /// `201 ×498, 409 ×4`, in order of status.
    static func mix(_ outcomes: [String: Int]) -> String {
        outcomes.sorted { $0.key < $1.key }.map { "\($0.key) ×\($0.value)" }
            .joined(separator: ", ")
    }
}
