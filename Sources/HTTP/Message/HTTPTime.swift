internal import Reactor

/// A second of the wall clock as header fields tell it (RFC 9110 §5.6.7).
public struct HTTPTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Seconds since 1970.
    public let seconds: Int64

    /// The time so many seconds after 1970 began.
    public init(seconds: Int64) { self.seconds = seconds }

    /// Reads any of the three forms that a recipient must take: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday,
    /// 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`; nil for anything else.
    ///
    /// Names are taken in any case. Whether the weekday is the date's is not looked at.
    ///
    /// - Parameter now: decides which century a year of two digits is in.
    public init?(_ text: String, now: HTTPTime = .now) {
        var scanner = DateScanner(text)
        guard let seconds = scanner.fixed() ?? scanner.rfc850(now: now) ?? scanner.asctime()
        else { return nil }
        self.init(seconds: seconds)
    }

    /// The present second, as this process believes it.
    public static var now: HTTPTime { HTTPTime(seconds: ProcessClock.seconds) }

    /// The preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.
    public var description: String { HTTPDate.format(Int(seconds)) }

    /// Whether `left` is earlier.
    public static func < (left: HTTPTime, right: HTTPTime) -> Bool { left.seconds < right.seconds }
}

/// A `Date` line as it is sent, made once for an answer that is sent many times.
public struct DateLine: Sendable {
    let bytes: [UInt8]

    /// The line that tells this time.
    public init(_ time: HTTPTime) { bytes = [UInt8]("date: \(time)\r\n".utf8) }
}

/// Reads one date, byte by byte.
private struct DateScanner {
    private let bytes: [UInt8]
    private var index = 0

    private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let longDays = [
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    ]
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    init(_ text: String) { bytes = text.utf8.map(ByteClass.lowered) }

    mutating func fixed() -> Int64? {
        index = 0
        guard name(Self.days) != nil, text(", "), let day = number(2), text(" "),
            let month = name(Self.months), text(" "), let year = number(4), text(" "),
            let clock = clock(), text(" gmt"), isAtEnd
        else { return nil }
        return Self.seconds(year, month + 1, day, clock)
    }

    mutating func rfc850(now: HTTPTime) -> Int64? {
        index = 0
        guard name(Self.longDays) != nil, text(", "), let day = number(2), text("-"),
            let month = name(Self.months), text("-"), let short = number(2), text(" "),
            let clock = clock(), text(" gmt"), isAtEnd
        else { return nil }
        // More than fifty years ahead is the past.
        let thisYear = 1970 + Int(now.seconds / 31_556_952)
        let year = thisYear - thisYear % 100 + short
        let nearest = [year + 100, year, year - 100].first { $0 <= thisYear + 50 } ?? year
        return Self.seconds(nearest, month + 1, day, clock)
    }

    mutating func asctime() -> Int64? {
        index = 0
        guard name(Self.days) != nil, text(" "), let month = name(Self.months), text(" "),
            let day = text(" ") ? number(1) : number(2), text(" "), let clock = clock(),
            text(" "), let year = number(4), isAtEnd
        else { return nil }
        return Self.seconds(year, month + 1, day, clock)
    }

    private var isAtEnd: Bool { index == bytes.count }

    private mutating func name(_ names: [String]) -> Int? {
        for (number, name) in names.enumerated() where text(name) { return number }
        return nil
    }

    private mutating func text(_ text: String) -> Bool {
        guard bytes[index...].starts(with: text.utf8) else { return false }
        index += text.utf8.count
        return true
    }

    private mutating func number(_ digits: Int) -> Int? {
        guard index + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + digits] {
            guard ByteClass.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte &- 0x30)
        }
        index += digits
        return value
    }

    /// Seconds of the day; a leap second is the last of its minute.
    private mutating func clock() -> Int? {
        guard let hour = number(2), text(":"), let minute = number(2), text(":"),
            let second = number(2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + min(second, 59)
    }

    /// Counts days from the civil date, years beginning in March so that a leap day ends one.
    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ clock: Int) -> Int64? {
        guard (1...31).contains(day), year >= 1 else { return nil }
        let years = month <= 2 ? year - 1 : year
        let era = years / 400
        let yearOfEra = years - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64((era * 146_097 + dayOfEra - 719_468) * 86_400 + clock)
    }
}
