public import HTTP
internal import Reactor
internal import Telemetry

/// What one process knows of a trace, as processes tell each other.
public struct TracePart: Sendable, Codable, Equatable {
    /// The service, such as `order`.
    public let service: String
    /// The process, such as `order.2`.
    public let instance: String
    /// Its spans, by their begin.
    public let spans: [SpanReport]

    /// The part of one process.
    public init(service: String, instance: String, spans: [SpanReport]) {
        self.service = service
        self.instance = instance
        self.spans = spans
    }
}

/// One span as JSON tells it.
public struct SpanReport: Sendable, Codable, Equatable {
    /// 16 hexadecimal digits.
    public let spanID: String
    /// The span that caused it; nil for a trace's first.
    public let parentID: String?
    /// What it was.
    public let name: String
    /// `server`, `client`, `internal` or `consumer`.
    public let kind: String
    /// Nanoseconds since 1970, as text because JSON's numbers are not that exact everywhere.
    public let startedAt: String
    /// How long it took.
    public let milliseconds: Double
    /// Why it failed; nil when it did not.
    public let failure: String?
    /// More about it.
    public let attributes: [String: JSONValue]

    enum CodingKeys: String, CodingKey {
        case name, kind, milliseconds, failure, attributes
        case spanID = "span_id"
        case parentID = "parent_id"
        case startedAt = "started_unix_ns"
    }

    /// When it began, in nanoseconds since 1970.
    var start: UInt64 { UInt64(startedAt) ?? 0 }
}

extension SpanReport {
    init(_ span: TraceSpan, _ clock: SpanClock) {
        spanID = TraceText.hex(span.id)
        parentID = span.parent == 0 ? nil : TraceText.hex(span.parent)
        name = span.name.text
        kind = span.kind.rawValue
        startedAt = String(clock.unixNanoseconds(span.start))
        milliseconds = Double(span.nanoseconds / 1_000) / 1_000
        failure = span.failure
        var attributes: [String: JSONValue] = [:]
        for (key, value) in span.detail.attributes {
            switch value {
            case .text(let text): attributes[key] = .string(text)
            case .number(let number): attributes[key] = .integer(Int64(number))
            }
        }
        self.attributes = attributes
    }
}

/// Trace ids as text.
enum TraceText {
    /// 16 lower-case hexadecimal digits.
    static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// The two halves of a trace id's 32 lower-case digits; nil for another text.
    static func halves(_ text: String) -> (high: UInt64, low: UInt64)? {
        guard text.utf8.count == 32,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16), high | low != 0
        else { return nil }
        return (high, low)
    }
}
