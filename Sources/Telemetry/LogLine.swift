/// A log line whose fields are written as they are named, without a list of them in between: for lines
/// that every request has.
///
/// Names are literals that need no escaping and are none of the line's own.
public struct LogLine: ~Copyable {
    private let format: LogFormat
    private(set) var bytes: [UInt8]

    init(_ entry: LogEntry, _ context: LogFields, _ format: LogFormat) {
        self.format = format
        bytes = []
        bytes.reserveCapacity(768)
        switch format {
        case .json: entry.beginJSON(context, to: &bytes)
        case .text: entry.beginText(context, to: &bytes)
        }
    }

    /// Adds a text; nothing for nil.
    public mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        begin(name)
        JSONText.append(text, to: &bytes)
    }

    /// Adds a text of at most so many characters that need no escaping, written where it will lie.
    public mutating func add(
        _ name: StaticString,
        addingCapacity count: Int,
        _ write: (inout OutputSpan<UInt8>) -> Void
    ) {
        begin(name)
        bytes.append(addingCapacity: count + 2) { text in
            text.append(UInt8(ascii: "\""))
            write(&text)
            text.append(UInt8(ascii: "\""))
        }
    }

    /// Adds a whole number; nothing for nil.
    public mutating func add(_ name: StaticString, _ number: Int?) {
        guard let number else { return }
        begin(name)
        JSONText.append(.int(number), to: &bytes)
    }

    /// Adds a span of time as a number of milliseconds with three decimals.
    public mutating func add(_ name: StaticString, nanoseconds: UInt64) {
        begin(name)
        JSONText.append(microseconds: Int64(clamping: (nanoseconds / 100 + 5) / 10), to: &bytes)
    }

    /// Completes the line.
    mutating func end(_ entry: LogEntry) {
        switch format {
        case .json: entry.endJSON(to: &bytes)
        case .text: entry.endText(to: &bytes)
        }
    }

    private mutating func begin(_ name: StaticString) {
        let isJSON = format == .json
        // Safe: the literal's bytes live for ever, and are read inside the closure only.
        name.withUTF8Buffer { name in
            bytes.append(addingCapacity: name.count + 4) { text in
                text.append(isJSON ? UInt8(ascii: ",") : UInt8(ascii: " "))
                if isJSON { text.append(UInt8(ascii: "\"")) }
                unsafe text.append(name)
                if isJSON { text.append(UInt8(ascii: "\"")) }
                text.append(isJSON ? UInt8(ascii: ":") : UInt8(ascii: "="))
            }
        }
    }
}

extension Logger {
    /// Writes a line at level info whose fields `fill` names; never blocks, never fails.
    public func info(_ message: String, fill: (inout LogLine) -> Void) {
        guard let (entry, sink) = entry(.info, message) else { return }
        var line = LogLine(entry, context, format)
        fill(&line)
        line.end(entry)
        sink.write(line.bytes, service: service, instance: instance)
    }
}
