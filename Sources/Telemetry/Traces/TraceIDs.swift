internal import Synchronization

/// Numbers for ids of traces and spans, which must differ and need not be secret.
///
/// SplitMix64 over a counter with a random start: no two calls of a process give the same number,
/// and none asks the kernel, as the system's generator does each time.
enum TraceIDs {
    private static let counter = Atomic<UInt64>(.random(in: .min ... .max))

    /// The next number; never zero, which the standard forbids.
    static func next() -> UInt64 {
        let step = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        var mixed = (step ^ (step >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        // The mixing is a bijection, so zero comes once in 2^64 calls.
        return mixed == 0 ? next() : mixed
    }
}
