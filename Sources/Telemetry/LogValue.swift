/// A value beside a log line's message.
///
/// The writer redacts nothing: what must stay secret is simply never put into a field, and every
/// field says its kind so that a review sees what goes out.
public enum LogValue: Sendable, Equatable {
    /// Text; escaped, whatever it holds.
    case string(String)
    /// A whole number.
    case int(Int)
    /// A number; written as `null` when it is not finite, which JSON cannot say.
    case double(Double)
    /// A truth value.
    case bool(Bool)
    /// A span of time, written as a number of milliseconds with three decimals.
    case milliseconds(Duration)
    /// Several texts.
    case list([String])
    /// Nothing known.
    case null
}

/// The fields of one log line, in the order they were given.
public struct LogFields: Sendable, ExpressibleByDictionaryLiteral {
    var pairs: [(key: String, value: LogValue)]

    /// No fields.
    public init() { pairs = [] }

    /// Fields as written in a literal: `["order": .string(id), "attempt": .int(2)]`.
    public init(dictionaryLiteral elements: (String, LogValue)...) {
        pairs = elements.map { (key: $0.0, value: $0.1) }
    }

    /// Adds a field after the others.
    public mutating func append(_ key: String, _ value: LogValue) {
        pairs.append((key: key, value: value))
    }

    /// Adds another set's fields after these.
    public mutating func append(_ other: LogFields) {
        pairs.append(contentsOf: other.pairs)
    }
}

/// How much a log line matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    /// Detail for somebody who is looking for a fault.
    case debug
    /// What normally happens.
    case info
    /// What went wrong and was dealt with.
    case warning
    /// What went wrong and needs somebody.
    case error

    /// The name in `LOG_LEVEL` and in log lines.
    public var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The level a `LOG_LEVEL` value names, in any case; `nil` for an unknown one.
    public init?(name: String) {
        let wanted = name.lowercased()
        guard let level = Self.allCases.first(where: { $0.name == wanted }) else { return nil }
        self = level
    }

    /// Whether a level is less severe than another.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What a log line looks like.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line, for machines.
    case json
    /// Aligned text, for people.
    case text
}
