internal import Synchronization

/// One metric with labels: a handle for each set of label values.
///
/// The number of sets is bounded, because each costs memory for ever and label values may come
/// from outside: beyond the limit all further sets share one handle whose labels read `other`.
public final class Family<Handle: Measured>: Sendable {
    let name: String
    let help: String
    let kind: MetricKind
    let labels: [String]
    private let limit: Int
    private let make: @Sendable () -> Handle
    private let handles = Mutex<[[String]: Handle]>([:])

    init(
        name: String,
        help: String,
        kind: MetricKind,
        labels: [String],
        limit: Int,
        make: @escaping @Sendable () -> Handle
    ) {
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
        self.limit = limit
        self.make = make
    }

    /// The handle for these label values; keep it rather than asking again in a hot path.
    public func with(_ values: String...) -> Handle { with(values) }

    /// The handle for these label values, one for each label name.
    public func with(_ values: [String]) -> Handle {
        precondition(values.count == labels.count, "\(name) has \(labels.count) labels")
        return handles.withLock { handles in
            if let handle = handles[values] { return handle }
            let key =
                handles.count < limit ? values : [String](repeating: "other", count: values.count)
            if let handle = handles[key] { return handle }
            let handle = make()
            handles[key] = handle
            return handle
        }
    }

    /// Forgets the handle of these label values, so that it is not rendered any more.
    public func remove(_ values: [String]) {
        handles.withLock { _ = $0.removeValue(forKey: values) }
    }
}

/// Something with lines in the metrics page.
protocol Renderable: Sendable {
    func render(to text: inout MetricsText)
}

extension Family: Renderable {
    func render(to text: inout MetricsText) {
        let all = handles.withLock { $0 }
        text.head(name, help, kind)
        for (values, handle) in all.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            handle.render(name: name, labels: MetricsText.labels(labels, values), to: &text)
        }
    }
}

/// A metric whose samples are read when it is rendered.
struct Collector: Renderable {
    let name: String
    let help: String
    let kind: MetricKind
    let labels: [String]
    let readers: [@Sendable () -> [Sample]]

    func render(to text: inout MetricsText) {
        text.head(name, help, kind)
        for sample in readers.flatMap({ $0() }) where sample.labels.count == labels.count {
            text.sample(
                name,
                MetricsText.labels(labels, sample.labels),
                MetricsText.number(sample.value)
            )
        }
    }
}

/// Writes Prometheus' text format.
public struct MetricsText: Sendable {
    private(set) var string = ""

    init() {}

    mutating func head(_ name: String, _ help: String, _ kind: MetricKind) {
        string += "# HELP \(name) \(Self.escape(help, quotes: false))\n"
        string += "# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: String, _ value: String) {
        string += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    static func labels(_ names: [String], _ values: [String]) -> String {
        zip(names, values)
            .map { "\($0)=\"\(escape($1, quotes: true))\"" }
            .joined(separator: ",")
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
