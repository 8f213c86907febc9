internal import Glibc

/// The `Date` line of a loop, formatted once a second (RFC 9110 §5.6.7, §6.6.1).
///
/// A class, because the exclusive access to a structure inside of another object is checked at run
/// time, for each response.
final class HTTPDate {
    private var second = Int.min
    private var text: [UInt8] = []

    /// `date: Sun, 06 Nov 1994 08:49:37 GMT` and its CRLF.
    func line() -> [UInt8] {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        if time.tv_sec != second {
            second = time.tv_sec
            text = [UInt8]("date: \(Self.format(second))\r\n".utf8)
        }
        return text
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// A second since 1970 as an IMF-fixdate.
    static func format(_ second: Int) -> String {
        var second = time_t(second)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&second, &parts) != nil else {
            return "Thu, 01 Jan 1970 00:00:00 GMT"
        }
        let day = unsafe two(parts.tm_mday)
        let month = unsafe months[Int(parts.tm_mon)]
        let clock = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return
            unsafe "\(days[Int(parts.tm_wday)]), \(day) \(month) \(parts.tm_year + 1900) \(clock) GMT"
    }

    private static func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
