/// What is printed in the end.
struct Report: Sendable, Encodable {
    let seconds: Double
    let requests: Int
    let requestsPerSecond: Double
    let confirmedPerSecond: Double
    let p50Milliseconds: Double
    let p90Milliseconds: Double
    let p99Milliseconds: Double
    let maxMilliseconds: Double
    let outcomes: [String: Int]

    enum CodingKeys: String, CodingKey {
        case seconds, requests, outcomes
        case requestsPerSecond = "requests_per_second"
        case confirmedPerSecond = "confirmed_per_second"
        case p50Milliseconds = "p50_ms"
        case p90Milliseconds = "p90_ms"
        case p99Milliseconds = "p99_ms"
        case maxMilliseconds = "max_ms"
    }

    init(_ tally: Tally, took duration: Duration) {
        seconds = Self.rounded(duration / .seconds(1))
        requests = Int(tally.latencies.count)
        outcomes = tally.outcomes
        requestsPerSecond = Self.rounded(Double(requests) / max(seconds, 0.001))
        confirmedPerSecond = Self.rounded(
            Double(tally.outcomes["201"] ?? 0) / max(seconds, 0.001)
        )
        func milliseconds(_ duration: Duration) -> Double {
            Self.rounded(duration / .milliseconds(1))
        }
        p50Milliseconds = milliseconds(tally.latencies.percentile(0.5))
        p90Milliseconds = milliseconds(tally.latencies.percentile(0.9))
        p99Milliseconds = milliseconds(tally.latencies.percentile(0.99))
        maxMilliseconds = milliseconds(tally.latencies.longest)
    }

    /// The report for people.
    var text: String {
        let mix = outcomes.sorted { $0.key < $1.key }
            .map { "  \($0.key): \($0.value)" }
            .joined(separator: "\n")
        return """
            \(requests) checkouts in \(seconds) s: \(requestsPerSecond)/s, \(confirmedPerSecond)/s confirmed
            p50 \(p50Milliseconds) ms, p90 \(p90Milliseconds) ms, p99 \(p99Milliseconds) ms, max \(maxMilliseconds) ms
            answers:
            \(mix)
            """
    }

    private static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
}
