/// A clock that is close to the wall clock and never contradicts causality.
///
/// A reading is 48 bits of milliseconds since 1970 and 16 bits of counter. It never goes back, and
/// after a message was received it is later than the reading that the message carried, however
/// far the clocks of the two machines are apart (Kulkarni et al., "Logical Physical Clocks", 2014).
public struct HybridLogicalClock: Sendable, Equatable {
    /// A reading; compare readings as numbers.
    public typealias Reading = Int64

    /// A reading further ahead than this is not believed, so that one mad clock cannot drag all along.
    public static let maxDriftMilliseconds: Int64 = 60_000

    private var last: Reading = 0

    /// A clock that has seen nothing yet.
    public init() {}

    /// The reading for something that happens now.
    ///
    /// - Parameter wall: milliseconds since 1970, as this machine believes.
    public mutating func tick(wall: Int64) -> Reading {
        last = max(wall << 16, last + 1)
        return last
    }

    /// Takes in the reading of a message that was received.
    ///
    /// - Returns: false when it was too far ahead of `wall` to be believed.
    @discardableResult
    public mutating func receive(_ reading: Reading, wall: Int64) -> Bool {
        guard reading >> 16 <= wall + Self.maxDriftMilliseconds else { return false }
        last = max(last, reading, wall << 16)
        return true
    }

    /// The milliseconds since 1970 in a reading.
    public static func milliseconds(of reading: Reading) -> Int64 { reading >> 16 }
}
