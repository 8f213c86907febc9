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
        JSONText.appendLiteral("{\"time\":\"", to: &line)
        time.append(to: &line)
        JSONText.appendLiteral("\",\"level\":\"", to: &line)
        JSONText.appendEscaped(level.name, to: &line)
        JSONText.appendLiteral("\",\"service\":\"", to: &line)
        JSONText.appendEscaped(service, to: &line)
        JSONText.appendLiteral("\",\"instance\":\"", to: &line)
        JSONText.appendEscaped(instance, to: &line)
        JSONText.appendLiteral("\",\"message\":\"", to: &line)
        JSONText.appendEscaped(message, to: &line)
        if let trace {
            JSONText.appendLiteral("\",\"trace_id\":\"", to: &line)
            Hex.append(trace.traceHigh, to: &line)
            Hex.append(trace.traceLow, to: &line)
            JSONText.appendLiteral("\",\"span_id\":\"", to: &line)
            Hex.append(trace.spanID, to: &line)
        }
        line.append(UInt8(ascii: "\""))
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

    private static func member(_ name: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: ","))
        JSONText.append(name, to: &line)
        line.append(UInt8(ascii: ":"))
    }
}

/// Writes JSON values into a byte array (RFC 8259 section 7).
enum JSONText {
    /// Appends a literal as it stands.
    static func appendLiteral(_ literal: StaticString, to line: inout [UInt8]) {
        // Safe: the literal's bytes live for ever, and are read inside the closure only.
        literal.withUTF8Buffer { literal in
            line.append(addingCapacity: literal.count) { unsafe $0.append(literal) }
        }
    }

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
            return unsafe bytes.withUnsafeBufferPointer { bytes in
                line.append(addingCapacity: bytes.count) { unsafe $0.append(bytes) }
            }
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
        var index = 0
        while index + 8 <= bytes.count {
            // Safe: the eight bytes are inside, and every pattern of bits is a number.
            let word = unsafe bytes.bytes.unsafeLoadUnaligned(
                fromByteOffset: index,
                as: UInt64.self
            )
            guard isPlain(word) else { return false }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F { return false }
            index += 1
        }
        return true
    }

    /// Whether none of eight bytes needs escaping; no is also said of some that need none.
    ///
    /// Subtracting a byte's value from bytes that have it, or that are below, borrows their highest bit.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func lacks(_ byte: UInt64) -> UInt64 {
            let zero = word ^ (ones &* byte)
            return (zero &- ones) & ~zero
        }
        let found = (word &- ones &* 0x20) & ~word | lacks(0x22) | lacks(0x5C) | lacks(0x7F)
        return found & (ones &* 0x80) == 0
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

extension OutputSpan<UInt8> {
    /// Appends some bytes in one piece; more than there is room for is a bug.
    ///
    /// `append(contentsOf:)` of an array goes about it at three times the cost.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        precondition(bytes.count <= freeCapacity, "appended beyond the capacity")
        // Safe: there is room, and what is told to be initialised has just been.
        unsafe withUnsafeMutableBufferPointer { target, count in
            guard let from = bytes.baseAddress, let base = target.baseAddress else { return }
            unsafe base.advanced(by: count).update(from: from, count: bytes.count)
            count += bytes.count
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
