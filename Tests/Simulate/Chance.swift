/// A seeded source of chance: the same seed gives the same schedule, on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one addition and three multiplications a number,
/// and neighbouring seeds give unrelated schedules.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is small enough that the bias of a plain product is nothing.
    mutating func below(_ bound: Int) -> Int {
        Int(((next() >> 32) &* UInt64(max(bound, 1))) >> 32)
    }

    /// A number of the range, its ends included.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True in so many of a thousand cases.
    mutating func happens(_ perMille: Int) -> Bool {
        perMille > 0 && below(1000) < perMille
    }
}
