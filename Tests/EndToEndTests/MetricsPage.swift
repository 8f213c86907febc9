import Foundation

/// A page of metrics as Prometheus reads it (text format 0.0.4), and what is wrong with it.
struct MetricsPage {
    /// The kind of each metric that the page declares.
    private(set) var kinds: [String: String] = [:]
    /// The rules that it breaks.
    private(set) var faults: [String] = []
    private var helped: Set<String> = []
    private var series: Set<String> = []
    private var buckets: [String: [(bound: Double, count: Double)]] = [:]
    private var counts: [String: Double] = [:]

    init(_ text: String) {
        if !text.hasSuffix("\n") { faults.append("the last line has no end") }
        for line in text.split(separator: "\n") { read(String(line)) }
        for name in kinds.keys where !helped.contains(name) { faults.append("\(name): no HELP") }
        checkHistograms()
    }

    /// Whether a name in a query is one of this page's: of a metric or of a histogram's series.
    func has(_ name: String) -> Bool {
        kinds[name] != nil
            || ["_bucket", "_sum", "_count"].contains { suffix in
                name.hasSuffix(suffix) && kinds[String(name.dropLast(suffix.count))] == "histogram"
            }
    }

    private mutating func read(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            .map(String.init)
        switch words.first {
        case "#" where words.count == 4 && words[1] == "HELP":
            if !helped.insert(words[2]).inserted { faults.append("\(words[2]): two HELP lines") }
            if words[3].isEmpty { faults.append("\(words[2]): HELP without a text") }
        case "#" where words.count == 4 && words[1] == "TYPE": declare(words[2], words[3])
        case "#": faults.append("'\(line)' is neither HELP nor TYPE")
        default: sample(line)
        }
    }

    private mutating func declare(_ name: String, _ kind: String) {
        if kinds.updateValue(kind, forKey: name) != nil { faults.append("\(name): two TYPE lines") }
        if !["counter", "gauge", "histogram"].contains(kind) {
            faults.append("\(name): a \(kind)")
        }
        if (kind == "counter") != name.hasSuffix("_total") {
            faults.append("\(name): counters, and nothing else, end in _total")
        }
        if name.wholeMatch(of: /[a-z_:][a-z0-9_:]*/) == nil { faults.append("\(name): no name") }
        for unit in ["_ms", "_milliseconds", "_us", "_kb", "_percent"] where name.contains(unit) {
            faults.append("\(name): base units are seconds, bytes and ratios")
        }
    }

    private mutating func sample(_ line: String) {
        guard let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)/),
            let value = Double(match.3 == "+Inf" ? "inf" : String(match.3))
        else {
            faults.append("'\(line)' is no sample")
            return
        }
        let (name, labels) = (String(match.1), String(match.2 ?? ""))
        if !has(name) { faults.append("\(name): a sample before its TYPE") }
        if !series.insert(name + labels).inserted { faults.append("\(name)\(labels): twice") }
        let base = String(name.dropLast("_bucket".count))
        if name.hasSuffix("_bucket"), kinds[base] == "histogram" {
            guard let bound = labels.firstMatch(of: /,?le="([^"]+)"/) else {
                faults.append("\(name): a bucket without a bound")
                return
            }
            let rest = labels.replacing(/,?le="[^"]+"/, with: "")
            let number = Double(bound.1 == "+Inf" ? "inf" : String(bound.1)) ?? .nan
            buckets[base + (rest == "{}" ? "" : rest), default: []].append((number, value))
        } else if name.hasSuffix("_count") {
            counts[String(name.dropLast("_count".count)) + labels] = value
        }
    }

    private mutating func checkHistograms() {
        for (name, all) in buckets {
            let bounds = all.map(\.bound)
            if bounds != bounds.sorted() || bounds.last != .infinity {
                faults.append("\(name): bounds must rise to +Inf")
            }
            if all.map(\.count) != all.map(\.count).sorted() {
                faults.append("\(name): buckets are cumulative")
            }
            if counts[name] != all.last?.count {
                faults.append("\(name): _count must be the last bucket's")
            }
        }
    }
}
