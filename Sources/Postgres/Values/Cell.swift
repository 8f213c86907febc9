/// One column of one row while it is being decoded; never NULL.
///
/// Safe: `bytes` points into a PGresult that `result` keeps alive.
@safe public struct Cell {
    /// The column's type, as the server described it.
    public let type: PostgresType
    // Knows the column's name, which only an error needs.
    private let result: ResultSet?
    private let index: Int
    private let bytes: UnsafeRawBufferPointer

    init(type: PostgresType, column: Int, of result: ResultSet?, bytes: UnsafeRawBufferPointer) {
        self.type = type
        self.index = column
        self.result = result
        unsafe self.bytes = bytes
    }

    /// The column's name or alias in the statement.
    public var column: String { result?.name(of: index) ?? "\(index)" }

    /// The length of the binary form.
    public var count: Int { unsafe bytes.count }

    /// Lends the binary form.
    public func withSpan<T>(
        _ body: (Span<UInt8>) throws(DatabaseError) -> T
    ) throws(DatabaseError) -> T {
        let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
        return try body(span)
    }

    /// The error of a decoder that expected something else.
    public func mismatch(_ expected: String) -> DatabaseError {
        .decoding("column \(column): expected \(expected), found type \(type.id), \(count) bytes")
    }

    /// Reads a big-endian integer that must fill the cell.
    func integer<T: FixedWidthInteger>(as _: T.Type) throws(DatabaseError) -> T {
        guard unsafe bytes.count == MemoryLayout<T>.size else { throw mismatch("\(T.self)") }
        return T(bigEndian: unsafe bytes.loadUnaligned(as: T.self))
    }

    /// Copies the binary form.
    func copy(droppingFirst skipped: Int = 0) -> [UInt8] {
        unsafe [UInt8](bytes.dropFirst(skipped))
    }

    /// The binary form as text.
    func text() throws(DatabaseError) -> String {
        guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
            throw mismatch("UTF-8 text")
        }
        return text
    }

    /// Lends a part of the cell as a cell of its own: an element of an array.
    func element<T>(
        _ type: PostgresType,
        _ range: Range<Int>,
        _ body: (borrowing Cell) throws(DatabaseError) -> T
    ) throws(DatabaseError) -> T {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw mismatch("an array") }
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
        let cell = unsafe Cell(type: type, column: index, of: result, bytes: part)
        return try body(cell)
    }
}
