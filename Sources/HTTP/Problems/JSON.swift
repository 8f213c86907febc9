internal import FoundationEssentials
internal import Reactor

/// JSON as all services write and read it: members sorted, times RFC 3339 in UTC with milliseconds,
/// names exactly as the types spell them.
public enum JSON {
    /// The value as JSON text.
    ///
    /// It is what FoundationEssentials' `JSONEncoder` would write, but for the case of the digits in
    /// `\u001F`, at less than half of the work. What is nested too deeply for yajl is left to it.
    ///
    /// - Throws: what the value's own `encode` throws; an infinite number, for example.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let text = try JSONText.write { text in
            try JSONValueEncoder(text: text, place: JSONText.root).encode(value)
        }
        return try text ?? reference(value)
    }

    /// What `encode` must be equal to.
    static func reference(_ value: some Encodable) throws -> [UInt8] {
        [UInt8](try encoder.encode(value))
    }

    /// A time as text.
    static func text(of date: Date) -> String { Timestamp.text(date) }

    /// Made once: it is set up here and never changed, and encoding keeps no state in it.
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(text(of: date))
        }
        return encoder
    }()

    /// The deepest that arrays and objects may lie within each other in what is decoded.
    public static let mostLevels = 64

    /// The value that JSON text holds, in UTF-8.
    ///
    /// What is nested deeper than `mostLevels` is refused before anything is read: each level takes stack, and
    /// an event loop's is small.
    ///
    /// - Throws: `DecodingError`; `Problem.init(decoding:of:)` turns it into an answer.
    public static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8]
    ) throws -> Value {
        guard JSONCheck.isShallow(bytes) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "nested too deeply")
            )
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            if let date = try? milliseconds.parse(text) { return date }
            if let date = try? Date.ISO8601FormatStyle().parse(text) { return date }
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "must be a time like 2026-01-31T12:00:00.000Z"
            )
        }
        return try decoder.decode(type, from: Data(bytes))
    }

    /// The line, counted from 1, on which the value at a pointer (RFC 6901) begins; nil when the text has
    /// no such place.
    ///
    /// For people who are told what is wrong with a file that they wrote.
    public static func line(of pointer: String, in bytes: [UInt8]) -> Int? {
        JSONCheck.line(of: pointer, in: bytes)
    }

    private static let milliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}
