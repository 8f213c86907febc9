/// How an instance that joined or recovered comes to its full share of calls.
///
/// A cold one has empty caches, unopened connections and lazy set-up ahead of it; given its share at
/// once, and more because it is the least busy, it answers late and is put out again.
public struct SlowStart: Sendable {
    /// How long it takes; zero for no slow start.
    public var window: Duration = .seconds(10)
    /// The share of its calls that an instance gets at first.
    public var least = 0.1

    /// The defaults of the design.
    public init() {}

    /// The share of its calls that an instance gets which began so long ago: it grows steadily.
    public func weight(after time: Duration) -> Double {
        guard time < window else { return 1 }
        return max(least, time / window)
    }
}

/// Numbers for choices that nobody must be unable to guess: SplitMix64 from a random start.
///
/// The system's own generator asks the kernel for each number.
struct Dice: RandomNumberGenerator, Sendable {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
