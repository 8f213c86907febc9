/// Which part of one of the provider's lists a comparison takes in, and which of our rows belong to it.
///
/// The provider stamps its records with its own clock. Two clocks that differ by up to `skew` make a
/// row and its record fall on two sides of a boundary, so each span of the list begins twice that far
/// before the end of the last one, and the rows stay one `skew` behind: every row is taken in once,
/// by a span that surely holds its record.
struct AuditSpan: Sendable, Equatable {
    /// How far the provider's clock and ours may differ.
    static let skew: Int64 = 60
    /// The least and the most that a comparison takes in.
    static let length: ClosedRange<Int64> = 10...600
    /// How old a record must be before a payment that does not know it counts as forgotten: until
    /// then the request that made it is still at work.
    static let grace: Int64 = 15

    /// The list's records created then or later, in seconds since 1970.
    let from: Int64
    /// The records created before then.
    let to: Int64
    /// Our rows from then on.
    let rowsFrom: Int64
    /// Our rows before then.
    let rowsTo: Int64

    /// The span behind `through`, or as much of it as there is by `now`.
    init(through: Int64, length: Int64, now: Int64) {
        to = max(through, min(now, through + length))
        from = max(0, through - 2 * Self.skew)
        rowsFrom = max(0, through - Self.skew)
        rowsTo = max(rowsFrom, to - Self.skew)
    }

    /// Whether the list is compared up to the present with this span.
    func isLast(now: Int64) -> Bool { to >= now }

    /// How much the next comparison takes in, after one that was too much or not.
    static func nextLength(after length: Int64, wasTooMuch: Bool) -> Int64 {
        min(
            max(wasTooMuch ? length / 2 : length * 2, Self.length.lowerBound),
            Self.length.upperBound
        )
    }
}
