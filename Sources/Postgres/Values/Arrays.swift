public import FoundationEssentials

/// A value that can be an element of an array parameter or column.
public protocol PostgresArrayElement: PostgresValue {
    /// The type of an array of these.
    static var postgresArrayType: PostgresType { get }
    /// Appends the binary form of a whole array.
    static func encodeArray(_ values: [Self], into bytes: inout [UInt8])
    /// Reads the binary form of a whole array.
    static func decodeArray(_ cell: borrowing Cell) throws(DatabaseError) -> [Self]
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    /// The array type; for bytes, `bytea`.
    public static var postgresType: PostgresType { Element.postgresArrayType }
    /// Encodes the elements.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        Element.encodeArray(self, into: &bytes)
        return true
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    /// Decodes a one-dimensional array; for bytes, a `bytea`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> [Element] {
        try Element.decodeArray(cell)
    }
}

extension PostgresArrayElement {
    /// Dimensions, null flag, element type, length and lower bound, then each length and element.
    public static func encodeArray(_ values: [Self], into bytes: inout [UInt8]) {
        bytes.append(bigEndian: Int32(values.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(0))
        bytes.append(bigEndian: postgresType.id)
        guard !values.isEmpty else { return }
        bytes.append(bigEndian: Int32(clamping: values.count))
        bytes.append(bigEndian: Int32(1))
        for value in values {
            let start = bytes.count
            bytes.append(bigEndian: Int32(-1))
            guard value.encode(into: &bytes) else { continue }
            bytes.overwrite(at: start, bigEndian: Int32(clamping: bytes.count - start - 4))
        }
    }

    /// Reads a one-dimensional array without NULLs.
    public static func decodeArray(_ cell: borrowing Cell) throws(DatabaseError) -> [Self] {
        var offset = 0
        func next() throws(DatabaseError) -> Int {
            let range = offset..<offset + 4
            offset += 4
            return Int(
                try cell.element(.int4, range) { (part) throws(DatabaseError) in
                    try part.integer(as: Int32.self)
                }
            )
        }
        let dimensions = try next()
        _ = try next()
        let type = PostgresType(id: UInt32(truncatingIfNeeded: try next()))
        guard dimensions > 0 else { return [] }
        guard dimensions == 1 else { throw cell.mismatch("a one-dimensional array") }
        let count = try next()
        _ = try next()
        var values: [Self] = []
        // The count is the server's word; the bytes that are there bound what is reserved for it.
        values.reserveCapacity(max(0, min(count, cell.count / 4)))
        for _ in 0..<max(0, count) {
            let length = try next()
            guard length >= 0 else { throw cell.mismatch("an array without NULL") }
            let range = offset..<offset + length
            offset += length
            values.append(
                try cell.element(type, range) { (part) throws(DatabaseError) in try decode(part) }
            )
        }
        return values
    }
}

extension PostgresArrayElement
where Self: RawRepresentable, RawValue: PostgresArrayElement {
    /// The raw value's array type.
    public static var postgresArrayType: PostgresType { RawValue.postgresArrayType }
}

extension UInt8: PostgresArrayElement {
    /// A single byte is a `bytea` of one.
    public static var postgresType: PostgresType { .bytea }
    /// `[UInt8]` is `bytea`.
    public static var postgresArrayType: PostgresType { .bytea }
    /// The byte.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(self)
        return true
    }
    /// Reads a `bytea` of one byte.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> UInt8 {
        guard cell.type == .bytea else { throw cell.mismatch("bytea") }
        return try cell.integer(as: UInt8.self)
    }
    /// The bytes as they are.
    public static func encodeArray(_ values: [UInt8], into bytes: inout [UInt8]) {
        bytes.append(contentsOf: values)
    }
    /// Reads a `bytea`.
    public static func decodeArray(_ cell: borrowing Cell) throws(DatabaseError) -> [UInt8] {
        guard cell.type == .bytea else { throw cell.mismatch("bytea") }
        return cell.copy()
    }
}

extension Bool: PostgresArrayElement {
    /// `boolean[]`.
    public static var postgresArrayType: PostgresType { .boolArray }
}

extension Int32: PostgresArrayElement {
    /// `integer[]`.
    public static var postgresArrayType: PostgresType { .int4Array }
}

extension Int64: PostgresArrayElement {
    /// `bigint[]`.
    public static var postgresArrayType: PostgresType { .int8Array }
}

extension Int: PostgresArrayElement {
    /// `bigint[]`.
    public static var postgresArrayType: PostgresType { .int8Array }
}

extension Double: PostgresArrayElement {
    /// `double precision[]`.
    public static var postgresArrayType: PostgresType { .float8Array }
}

extension String: PostgresArrayElement {
    /// `text[]`.
    public static var postgresArrayType: PostgresType { .textArray }
}

extension UUID: PostgresArrayElement {
    /// `uuid[]`.
    public static var postgresArrayType: PostgresType { .uuidArray }
}

extension Date: PostgresArrayElement {
    /// `timestamp with time zone[]`.
    public static var postgresArrayType: PostgresType { .timestamptzArray }
}

extension JSONText: PostgresArrayElement {
    /// `jsonb[]`.
    public static var postgresArrayType: PostgresType { .jsonbArray }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    /// The wrapped type's array type: its elements may be NULL.
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}

extension Array: PostgresArrayElement where Element == UInt8 {
    /// `bytea[]`.
    public static var postgresArrayType: PostgresType { .byteaArray }
}
