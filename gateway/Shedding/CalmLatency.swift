internal import Glibc

/// How long the requests of one route take while little else is going on.
///
/// Pure. The mean of logarithms: one answer in a thousand that takes a hundred times as long says
/// little about load, and would move an ordinary mean by a tenth. Nothing that was measured in a
/// crowd counts once there is anything else, or the crowd would become what is normal.
struct CalmLatency: Sendable, Equatable {
    /// Samples after which each one weighs the same, so that the past fades.
    static let memory = 64.0
    /// Crowded samples that are taken for want of better ones.
    static let makeshift = 16.0

    private var mean = 0.0
    private var count = 0.0
    private var isMakeshift = true

    /// Seconds; nil while nothing is known.
    var seconds: Double? { count > 0 ? exp(mean) : nil }

    /// Takes note of a time, in seconds; returns whether anything changed.
    mutating func note(_ seconds: Double, isCalm: Bool) -> Bool {
        if isCalm, isMakeshift {
            isMakeshift = false
            count = 0
        }
        guard isCalm || (isMakeshift && count < Self.makeshift) else { return false }
        count = min(count + 1, Self.memory)
        mean += (log(seconds) - mean) / count
        return true
    }
}
