internal import Reactor

/// What a partition showed, and whether it is what was expected.
struct PartitionVerdict: Sendable {
    /// One look at the catalog during the partition.
    struct Probe: Sendable, Equatable {
        let what: String
        let outcome: String
        let age: String?
        let cacheStatus: String?

        /// Whether it came from the cache, and older than the origin would have it.
        var isStale: Bool {
            outcome == "200" && age != nil && cacheStatus?.contains("detail=stale") == true
        }

        var line: String {
            let cache = cacheStatus.map { "; Cache-Status: \($0)" } ?? ""
            return "  \(what): \(outcome)" + (age.map { "; Age: \($0)" } ?? "") + cache
        }
    }

    /// Undisturbed.
    let whole: [Scenario: Tally]
    /// Answers that came during the partition, to checkouts that were begun in it.
    let checkouts: [String: Int]
    /// The same of looks at products.
    let looks: [String: Int]
    /// A known product, and a search that is new.
    let probes: [Probe]

    /// The share of looks that were answered.
    var available: Double {
        Double(looks["200", default: 0]) / Double(max(1, looks.values.reduce(0, +)))
    }

    private func percentile(_ share: Double, _ scenario: Scenario) -> Duration {
        whole[scenario]?.latencies.percentile(share) ?? .zero
    }

    /// Consistent and refusing for orders, available and stale for the catalog, and else faster there.
    var isAsExpected: Bool {
        let allowed: Set = ["202", "502", "503", "504", "no answer"]
        let isConsistent = !checkouts.isEmpty && allowed.isSuperset(of: checkouts.keys)
        let isStale = probes.first?.isStale == true && probes.last?.outcome != "200"
        return isConsistent && isStale && available >= 0.95
            && percentile(0.5, .browse) * 2 <= percentile(0.5, .checkout)
    }

    /// The figures.
    var text: String {
        func times(_ scenario: Scenario) -> String {
            "p50 \(Figure.milliseconds(percentile(0.5, scenario))) ms, p99 "
                + "\(Figure.milliseconds(percentile(0.99, scenario))) ms"
        }
        let lines =
            [
                "While the databases were cut off:",
                "  checkouts: \(Figure.mix(checkouts))",
                "  looks at products: \(Figure.mix(looks))",
            ] + probes.map(\.line) + [
                "Else, before:",
                "  a checkout, consistent: \(times(.checkout))",
                "  a product, from the cache: \(times(.browse))",
            ]
        return lines.joined(separator: "\n")
    }
}
