internal import Glibc

/// How long injected waits are.
public enum FaultLatency: Sendable, Equatable {
    /// Always the same.
    case fixed(Duration)
    /// Any between two, each as likely.
    case uniform(Duration, Duration)
    /// Around a mean; what would be less than nothing is nothing.
    case normal(mean: Duration, deviation: Duration)
    /// Mostly short, sometimes several times the mean.
    case exponential(mean: Duration)
    /// Never less than `least`, with a tail that is the heavier the smaller `shape` is.
    case pareto(least: Duration, shape: Double)

    /// The longest wait, whatever the distribution says.
    public static let most = Duration.seconds(60)

    /// One wait; every call draws two numbers, so that those behind it do not depend on the kind.
    public func sample(using generator: inout some RandomNumberGenerator) -> Duration {
        // Within (0, 1], so that its logarithm is finite.
        let one = 1 - Double.random(in: 0..<1, using: &generator)
        let two = Double.random(in: 0..<1, using: &generator)
        let milliseconds: Double
        switch self {
        case .fixed(let duration): milliseconds = duration.milliseconds
        case .uniform(let low, let high):
            milliseconds = low.milliseconds + two * (high.milliseconds - low.milliseconds)
        case .normal(let mean, let deviation):
            // Box and Muller's transform.
            let standard = sqrt(-2 * log(one)) * cos(2 * Double.pi * two)
            milliseconds = mean.milliseconds + deviation.milliseconds * standard
        case .exponential(let mean): milliseconds = -log(one) * mean.milliseconds
        case .pareto(let least, let shape): milliseconds = least.milliseconds / pow(one, 1 / shape)
        }
        let limited = min(max(0, milliseconds), Self.most.milliseconds)
        return .microseconds(Int64(limited * 1000))
    }
}

extension Duration {
    /// The same in milliseconds, with a fraction.
    var milliseconds: Double { self / .milliseconds(1) }
}

/// Steele, Lea and Flood's generator: small, fast, and the same everywhere for the same seed.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A generator of its own for each name under one seed.
    init(seed: UInt64, name: String) {
        // FNV-1a; the standard library's own hashes differ from process to process.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.init(seed: seed ^ hash)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
