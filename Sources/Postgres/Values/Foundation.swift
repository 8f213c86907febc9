public import FoundationEssentials

extension UUID: PostgresValue {
    /// `uuid`.
    public static var postgresType: PostgresType { .uuid }
    /// The sixteen bytes.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        let value = uuid
        unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
        return true
    }
    /// Reads a `uuid`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> UUID {
        guard cell.type == .uuid, cell.count == 16 else { throw cell.mismatch("uuid") }
        return try cell.withSpan { span in
            UUID(
                uuid: (
                    span[0], span[1], span[2], span[3], span[4], span[5], span[6], span[7],
                    span[8], span[9], span[10], span[11], span[12], span[13], span[14], span[15]
                )
            )
        }
    }
}

extension Date: PostgresValue {
    /// `timestamp with time zone`.
    public static var postgresType: PostgresType { .timestamptz }
    /// Microseconds since 2000-01-01 00:00 UTC; instants beyond the range are clamped to it.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        let microseconds = ((timeIntervalSinceReferenceDate + Self.shift) * 1_000_000).rounded()
        // Int64's limits mean ±infinity to PostgreSQL, so the clamp stays clear of them.
        let limit = 9.2e18
        bytes.append(bigEndian: Int64(max(-limit, min(limit, microseconds))))
        return true
    }
    /// Reads a timestamp, one without a time zone as UTC; ±infinity is an error.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Date {
        guard cell.type == .timestamptz || cell.type == .timestamp else {
            throw cell.mismatch("a timestamp")
        }
        let microseconds = try cell.integer(as: Int64.self)
        guard microseconds != .max, microseconds != .min else {
            throw cell.mismatch("a finite timestamp")
        }
        let seconds = Double(microseconds) / 1_000_000
        return Date(timeIntervalSinceReferenceDate: seconds - shift)
    }
    /// Seconds from PostgreSQL's epoch (2000) to Foundation's reference date (2001).
    private static var shift: Double { 31_622_400 }
}

/// JSON as text, written to and read from `jsonb` or `json` columns.
public struct JSONText: PostgresValue, Hashable {
    /// The document in UTF-8.
    public var bytes: [UInt8]

    /// Takes a document that is already JSON; the server refuses what is not (22P02).
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Encodes a value with sorted keys, so that equal values give equal text.
    public init(encoding value: some Encodable) throws(DatabaseError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            self.bytes = Array(try encoder.encode(value))
        } catch {
            throw .decoding("cannot encode \(type(of: value)) as JSON")
        }
    }

    /// Decodes the document; throws `.decoding`.
    public func decode<T: Decodable>(as type: T.Type = T.self) throws(DatabaseError) -> T {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw .decoding("JSON is not a \(type)")
        }
    }

    /// `jsonb`, which PostgreSQL also assigns to `json` columns.
    public static var postgresType: PostgresType { .jsonb }
    /// The version byte of jsonb's binary form, then the text.
    public func encode(into output: inout [UInt8]) -> Bool {
        output.append(1)
        output.append(contentsOf: bytes)
        return true
    }
    /// Reads `jsonb` or `json`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> JSONText {
        switch cell.type {
        case .jsonb where cell.count > 1: JSONText(cell.copy(droppingFirst: 1))
        case .json: JSONText(cell.copy())
        default: throw cell.mismatch("jsonb")
        }
    }
}
