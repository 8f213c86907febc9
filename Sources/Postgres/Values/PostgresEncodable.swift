/// A value that can be a statement's parameter, in PostgreSQL's binary format.
///
/// A raw-representable type, such as an id or a status enum, adopts it by declaring so.
public protocol PostgresEncodable: Sendable {
    /// The parameter's type, which the statement is prepared with.
    static var postgresType: PostgresType { get }
    /// Appends the binary form, without a length; returns false for NULL, having appended nothing.
    func encode(into bytes: inout [UInt8]) -> Bool
}

/// A value that can be read from a column in PostgreSQL's binary format.
public protocol PostgresDecodable: Sendable {
    /// Reads the value; throws `.decoding` naming the column when it holds something else.
    static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Self
    /// What NULL decodes to; nil, the default, means NULL is an error.
    static var nullValue: Self? { get }
}

/// A value that can be both a parameter and a column.
public typealias PostgresValue = PostgresEncodable & PostgresDecodable

extension PostgresDecodable {
    /// NULL is an error unless a type says otherwise, as `Optional` does.
    public static var nullValue: Self? { nil }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    /// The raw value's type.
    public static var postgresType: PostgresType { RawValue.postgresType }
    /// Encodes the raw value.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        rawValue.encode(into: &bytes)
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    /// Decodes the raw value; one the type does not know is an error.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else {
            throw cell.mismatch("a known \(Self.self)")
        }
        return value
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The wrapped type: NULL has the type of what is missing.
    public static var postgresType: PostgresType { Wrapped.postgresType }
    /// Encodes the value, or NULL.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        guard let value = self else { return false }
        return value.encode(into: &bytes)
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Decodes a value that is there.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Wrapped? {
        try Wrapped.decode(cell)
    }
    /// NULL is nil.
    public static var nullValue: Wrapped?? { .some(nil) }
}
