internal import Synchronization

/// The numbers a process shows about itself, in Prometheus' text format.
///
/// A metric is registered once and its label values are resolved once to a handle, which is an
/// atomic: the hot path takes no lock and looks nothing up. Registering a name again gives the
/// same metric; with another kind or other label names it is a mistake in the program and traps.
public final class Metrics: Sendable {
    /// The content type of ``render()``'s result.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let families = Mutex<[String: any Renderable]>([:])

    /// An empty registry.
    public init() {}

    /// A counter with the values of fixed labels: `counter("calls_total", "…", ["to": "order"])`.
    public func counter(
        _ name: String,
        _ help: String,
        _ labels: KeyValuePairs<String, String> = [:]
    ) -> Counter {
        counters(name, help, labels: labels.map(\.key)).with(labels.map(\.value))
    }

    /// A gauge with the values of fixed labels.
    public func gauge(
        _ name: String,
        _ help: String,
        _ labels: KeyValuePairs<String, String> = [:]
    ) -> Gauge {
        gauges(name, help, labels: labels.map(\.key)).with(labels.map(\.value))
    }

    /// A histogram with the values of fixed labels; `buckets` are upper bounds, ascending.
    public func histogram(
        _ name: String,
        _ help: String,
        _ labels: KeyValuePairs<String, String> = [:],
        buckets: [Double] = Histogram.seconds
    ) -> Histogram {
        histograms(name, help, labels: labels.map(\.key), buckets: buckets)
            .with(labels.map(\.value))
    }

    /// Counters that differ in label values, of which at most `limit` sets are kept.
    public func counters(
        _ name: String,
        _ help: String,
        labels: [String],
        limit: Int = 200
    ) -> Family<Counter> {
        family(name, help, .counter, labels, limit) { Counter() }
    }

    /// Gauges that differ in label values, of which at most `limit` sets are kept.
    public func gauges(
        _ name: String,
        _ help: String,
        labels: [String],
        limit: Int = 200
    ) -> Family<Gauge> {
        family(name, help, .gauge, labels, limit) { Gauge() }
    }

    /// Histograms that differ in label values, of which at most `limit` sets are kept.
    public func histograms(
        _ name: String,
        _ help: String,
        labels: [String],
        buckets: [Double] = Histogram.seconds,
        limit: Int = 200
    ) -> Family<Histogram> {
        precondition(buckets == buckets.sorted(), "histogram bounds ascend")
        return family(name, help, .histogram, labels, limit) { Histogram(bounds: buckets) }
    }

    /// Values that are read when somebody looks: sizes of pools, states of breakers.
    ///
    /// Registering the name again adds to its samples: each of several pools shows its own.
    public func collect(
        _ name: String,
        _ help: String,
        kind: MetricKind = .gauge,
        labels: [String] = [],
        read: @escaping @Sendable () -> [Sample]
    ) {
        Self.check(name, labels)
        families.withLock { families in
            var readers = [read]
            if let known = families[name] {
                guard let collector = known as? Collector, collector.labels == labels else {
                    preconditionFailure("metric \(name) is registered with another shape")
                }
                readers = collector.readers + readers
            }
            families[name] = Collector(
                name: name,
                help: help,
                kind: kind,
                labels: labels,
                readers: readers
            )
        }
    }

    /// Everything, as Prometheus reads it (text format 0.0.4), sorted by name.
    public func render() -> String {
        let all = families.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
        var text = MetricsText()
        for family in all { family.render(to: &text) }
        return text.string
    }

    private func family<Handle: Measured>(
        _ name: String,
        _ help: String,
        _ kind: MetricKind,
        _ labels: [String],
        _ limit: Int,
        _ make: @escaping @Sendable () -> Handle
    ) -> Family<Handle> {
        Self.check(name, labels)
        return families.withLock { families in
            if let known = families[name] {
                guard let family = known as? Family<Handle>, family.labels == labels else {
                    preconditionFailure("metric \(name) is registered with another shape")
                }
                return family
            }
            let family = Family(
                name: name,
                help: help,
                kind: kind,
                labels: labels,
                limit: limit,
                make: make
            )
            families[name] = family
            return family
        }
    }

    private static func check(_ name: String, _ labels: [String]) {
        precondition(isName(name, colon: true), "\(name) is no metric name")
        for label in labels { precondition(isName(label, colon: false), "\(label) is no label") }
    }

    private static func isName(_ name: String, colon: Bool) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x3A: colon
            default: false
            }
        }
    }
}

/// What a metric's number means.
public enum MetricKind: String, Sendable {
    /// A number that only grows.
    case counter
    /// A number that goes up and down.
    case gauge
    /// Counts of observations by size.
    case histogram
}

/// A value read at rendering, for ``Metrics/collect(_:_:kind:labels:read:)``.
public struct Sample: Sendable {
    /// The values of the labels, in the order of their names.
    public let labels: [String]
    /// The value.
    public let value: Double

    /// A value for a set of label values.
    public init(_ labels: [String] = [], _ value: Double) {
        self.labels = labels
        self.value = value
    }
}
