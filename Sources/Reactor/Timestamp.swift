public import FoundationEssentials

/// Times as APIs and events write them: RFC 3339, UTC, milliseconds.
public enum Timestamp {
    private static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// A time as text, such as `2026-01-31T12:00:00.000Z`.
    ///
    /// A `Date` holds most milliseconds only nearly, and the format cuts off: half of them would lose one.
    /// So a time counts to the microsecond, as databases keep it, and the middle of its millisecond is
    /// written.
    public static func text(_ date: Date) -> String {
        let microseconds = (date.timeIntervalSince1970 * 1_000_000).rounded()
        let milliseconds = (microseconds / 1_000).rounded(.down)
        return Date(timeIntervalSince1970: (milliseconds + 0.5) / 1_000).formatted(format)
    }
}
