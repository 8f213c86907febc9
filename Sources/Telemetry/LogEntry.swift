internal import Glibc

/// One log line before it is bytes.
struct LogEntry {
    let time: WallClock
    let level: LogLevel
    let service: String
    let instance: String
    let message: String
    let trace: TraceContext?

    /// The names that the line's own members use; a field of the same name gets a `_` behind.
    private static let reserved: Set<String> = [
        "time", "level", "service", "instance", "message", "trace_id", "span_id",
    ]

    private static func isReserved(_ key: String) -> Bool {
        // Hardly a key begins like one of these, and hashing it costs more than writing it.
        switch key.utf8.first {
        case UInt8(ascii: "t"), UInt8(ascii: "l"), UInt8(ascii: "s"), UInt8(ascii: "i"),
            UInt8(ascii: "m"):
            reserved.contains(key)
        default: false
        }
    }

    /// Appends the line as one JSON object and a line feed.
    func appendJSON(_ context: LogFields, _ fields: LogFields, to line: inout [UInt8]) {
        beginJSON(context, to: &line)
        appendJSON(fields, to: &line)
        endJSON(to: &line)
    }

    /// Appends what stands before a line's own fields.
    func beginJSON(_ context: LogFields, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "{"))
        Self.member("time", first: true, to: &line)
        line.append(UInt8(ascii: "\""))
        time.append(to: &line)
        line.append(UInt8(ascii: "\""))
        member("level", level.name, to: &line)
        member("service", service, to: &line)
        member("instance", instance, to: &line)
        member("message", message, to: &line)
        if let trace {
            line.append(contentsOf: ",\"trace_id\":\"".utf8)
            Hex.append(trace.traceHigh, to: &line)
            Hex.append(trace.traceLow, to: &line)
            line.append(contentsOf: "\",\"span_id\":\"".utf8)
            Hex.append(trace.spanID, to: &line)
            line.append(UInt8(ascii: "\""))
        }
        appendJSON(context, to: &line)
    }

    private func appendJSON(_ fields: LogFields, to line: inout [UInt8]) {
        for (key, value) in fields.pairs {
            Self.member(Self.isReserved(key) ? key + "_" : key, to: &line)
            JSONText.append(value, to: &line)
        }
    }

    /// Appends what stands behind a line's own fields.
    func endJSON(to line: inout [UInt8]) {
        line.append(UInt8(ascii: "}"))
        line.append(UInt8(ascii: "\n"))
    }

    /// Appends the line as aligned text and a line feed.
    func appendText(_ context: LogFields, _ fields: LogFields, to line: inout [UInt8]) {
        beginText(context, to: &line)
        appendText(fields, to: &line)
        endText(to: &line)
    }

    /// Appends what stands before a line's own fields.
    func beginText(_ context: LogFields, to line: inout [UInt8]) {
        time.append(to: &line)
        line.append(UInt8(ascii: " "))
        let name = level.name.uppercased()
        line.append(contentsOf: name.utf8)
        line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(1, 8 - name.count)))
        JSONText.appendEscaped(instance, to: &line)
        line.append(UInt8(ascii: " "))
        JSONText.appendEscaped(message, to: &line)
        appendText(context, to: &line)
    }

    private func appendText(_ fields: LogFields, to line: inout [UInt8]) {
        for (key, value) in fields.pairs {
            line.append(UInt8(ascii: " "))
            JSONText.appendEscaped(key, to: &line)
            line.append(UInt8(ascii: "="))
            JSONText.append(value, to: &line)
        }
    }

    /// Appends what stands behind a line's own fields.
    func endText(to line: inout [UInt8]) {
        if let trace {
            line.append(contentsOf: " trace_id=".utf8)
            line.append(contentsOf: trace.traceID.utf8)
        }
        line.append(UInt8(ascii: "\n"))
    }

    private func member(_ name: String, _ value: String, to line: inout [UInt8]) {
        Self.member(name, to: &line)
        JSONText.append(value, to: &line)
    }

    private static func member(_ name: String, first: Bool = false, to line: inout [UInt8]) {
        if !first { line.append(UInt8(ascii: ",")) }
        JSONText.append(name, to: &line)
        line.append(UInt8(ascii: ":"))
    }
}

/// Writes JSON values into a byte array (RFC 8259 section 7).
enum JSONText {
    /// Appends a quoted, escaped string.
    static func append(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        appendEscaped(text, to: &line)
        line.append(UInt8(ascii: "\""))
    }

    /// Appends a string's bytes so that neither JSON nor a terminal takes them for anything else.
    static func appendEscaped(_ text: String, to line: inout [UInt8]) {
        let bytes = text.utf8Span.span
        if isPlain(bytes) {
            // Safe: the pointer is used inside the closure only.
            return unsafe bytes.withUnsafeBufferPointer { unsafe line.append(contentsOf: $0) }
        }
        for index in bytes.indices {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            case UInt8(ascii: "\n"): line.append(contentsOf: [0x5C, 0x6E])
            case UInt8(ascii: "\r"): line.append(contentsOf: [0x5C, 0x72])
            case UInt8(ascii: "\t"): line.append(contentsOf: [0x5C, 0x74])
            case 0..<0x20, 0x7F:
                line.append(contentsOf: [0x5C, 0x75, 0x30, 0x30])
                line.append(Hex.digit(byte >> 4))
                line.append(Hex.digit(byte & 0xF))
            default: line.append(byte)
            }
        }
    }

    private static func isPlain(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F { return false }
        }
        return true
    }

    /// Appends a field's value.
    static func append(_ value: LogValue, to line: inout [UInt8]) {
        switch value {
        case .string(let text): append(text, to: &line)
        case .int(let number): line.append(contentsOf: String(number).utf8)
        case .double(let number):
            line.append(contentsOf: (number.isFinite ? String(number) : "null").utf8)
        case .bool(let flag): line.append(contentsOf: (flag ? "true" : "false").utf8)
        case .milliseconds(let duration): append(duration, to: &line)
        case .list(let texts):
            line.append(UInt8(ascii: "["))
            for (index, text) in texts.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                append(text, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .null: line.append(contentsOf: "null".utf8)
        }
    }

    private static func append(_ duration: Duration, to line: inout [UInt8]) {
        // In whole numbers: writing a floating-point one costs more than the rest of the line.
        let (seconds, attoseconds) = duration.components
        let limit: Int64 = 1_000_000_000_000
        let whole = min(max(seconds, -limit), limit) * 1_000_000
        append(
            microseconds: whole + (attoseconds + 500_000_000_000) / 1_000_000_000_000,
            to: &line
        )
    }

    /// Appends a span of time as milliseconds with three decimals.
    static func append(microseconds: Int64, to line: inout [UInt8]) {
        if microseconds < 0 { line.append(UInt8(ascii: "-")) }
        let digits = microseconds.magnitude
        line.append(contentsOf: String(digits / 1000).utf8)
        line.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] {
            line.append(0x30 + UInt8(digits / divisor % 10))
        }
    }
}

/// Seconds and microseconds since 1970 in UTC, for log lines only: nothing is ordered by it.
struct WallClock {
    let seconds: Int
    let microseconds: Int

    static var now: WallClock {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(seconds: time.tv_sec, microseconds: time.tv_nsec / 1000)
    }

    /// Appends RFC 3339 with microseconds: `2026-11-21T02:02:09.123456Z`.
    func append(to line: inout [UInt8]) {
        line.append(addingCapacity: 32) { append(to: &$0) }
    }

    private func append(to line: inout OutputSpan<UInt8>) {
        let days = seconds.quotientFlooring(by: 86_400)
        let second = seconds - days * 86_400
        let (year, month, day) = Self.civil(days)
        Self.digits(year, 4, to: &line)
        line.append(UInt8(ascii: "-"))
        Self.digits(month, 2, to: &line)
        line.append(UInt8(ascii: "-"))
        Self.digits(day, 2, to: &line)
        line.append(UInt8(ascii: "T"))
        Self.digits(second / 3600, 2, to: &line)
        line.append(UInt8(ascii: ":"))
        Self.digits(second / 60 % 60, 2, to: &line)
        line.append(UInt8(ascii: ":"))
        Self.digits(second % 60, 2, to: &line)
        line.append(UInt8(ascii: "."))
        Self.digits(microseconds, 6, to: &line)
        line.append(UInt8(ascii: "Z"))
    }

    private static func digits(_ number: Int, _ width: Int, to line: inout OutputSpan<UInt8>) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            line.append(0x30 + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// Year, month and day of a day count since 1970, by Howard Hinnant's `civil_from_days`.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.quotientFlooring(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int {
    /// Division that rounds towards minus infinity, for times before 1970.
    fileprivate func quotientFlooring(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
