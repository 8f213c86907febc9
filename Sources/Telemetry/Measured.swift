internal import Synchronization

/// A handle that ``Family`` can hold: a counter, a gauge or a histogram.
public protocol Measured: Sendable {
    /// Appends this handle's sample lines.
    func render(name: String, labels: String, to text: inout MetricsText)
}

/// A number that only grows.
public final class Counter: Measured {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Adds to the counter; one relaxed atomic addition.
    public func increment(by amount: Int = 1) {
        precondition(amount >= 0, "a counter never falls")
        count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// What it stands at.
    public var value: UInt64 { count.load(ordering: .relaxed) }

    /// Appends this handle's sample line.
    public func render(name: String, labels: String, to text: inout MetricsText) {
        text.sample(name, labels, String(value))
    }
}

/// A number that goes up and down.
public final class Gauge: Measured {
    private let bits = Atomic<UInt64>(Double(0).bitPattern)

    init() {}

    /// Sets the value.
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// Sets the value.
    public func set(_ value: Int) { set(Double(value)) }

    /// Adds to the value, or takes from it.
    public func add(_ amount: Double) { bits.addDouble(amount) }

    /// What it stands at.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    /// Appends this handle's sample line.
    public func render(name: String, labels: String, to text: inout MetricsText) {
        text.sample(name, labels, MetricsText.number(value))
    }
}

/// Counts of observations by size, with their sum.
public final class Histogram: Measured {
    /// Bounds in seconds for calls and requests: half a millisecond to ten seconds.
    public static let seconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private let bounds: [Double]
    private let counts: [Counter]  // One for each bound, and one beyond.
    private let sum = Atomic<UInt64>(Double(0).bitPattern)

    init(bounds: [Double]) {
        self.bounds = bounds
        self.counts = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts a value; one equal to a bound falls below it, and what is no number is ignored.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index].increment()
        sum.addDouble(value)
    }

    /// Counts a span of time, in seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) / 1e18)
    }

    /// How many values were counted.
    public var count: UInt64 { counts.reduce(0) { $0 + $1.value } }

    /// Appends this handle's sample lines: cumulative buckets, sum and count.
    public func render(name: String, labels: String, to text: inout MetricsText) {
        var running: UInt64 = 0
        let separator = labels.isEmpty ? "" : ","
        for (index, counter) in counts.enumerated() {
            running += counter.value
            let bound = index < bounds.count ? MetricsText.number(bounds[index]) : "+Inf"
            text.sample(
                name + "_bucket",
                "\(labels)\(separator)le=\"\(bound)\"",
                String(running)
            )
        }
        let total = Double(bitPattern: sum.load(ordering: .relaxed))
        text.sample(name + "_sum", labels, MetricsText.number(total))
        text.sample(name + "_count", labels, String(running))
    }
}

extension Atomic where Value == UInt64 {
    /// Adds to a floating-point number kept as its bit pattern.
    fileprivate borrowing func addDouble(_ amount: Double) {
        var seen = load(ordering: .relaxed)
        while true {
            let wanted = (Double(bitPattern: seen) + amount).bitPattern
            let (exchanged, original) = weakCompareExchange(
                expected: seen,
                desired: wanted,
                ordering: .relaxed
            )
            if exchanged { return }
            seen = original
        }
    }
}
