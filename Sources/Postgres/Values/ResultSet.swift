internal import CPostgres

/// Owns one PGresult.
///
/// `@unchecked Sendable`: libpq never changes a result after handing it out, all access here only
/// reads it, and the one writing call, `PQclear`, runs in `deinit` when no reader is left.
@safe final class ResultSet: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes over the result; it is cleared with this object.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
        self.rowCount = unsafe Int(PQntuples(pointer))
        self.columnCount = unsafe Int(PQnfields(pointer))
    }

    deinit {
        unsafe PQclear(pointer)
    }

    /// Rows inserted, updated, deleted or selected; 0 for commands that count none.
    var affectedRows: Int {
        guard let digits = unsafe PQcmdTuples(pointer) else { return 0 }
        return Int(unsafe String(cString: digits)) ?? 0
    }

    /// The command's tag: `INSERT 0 1`, `ROLLBACK`.
    var tag: String {
        guard let tag = unsafe PQcmdStatus(pointer) else { return "" }
        return unsafe String(cString: tag)
    }

    func decode<T: PostgresDecodable>(row: Int, column: Int) throws(DatabaseError) -> T {
        guard column >= 0, column < columnCount, row >= 0, row < rowCount else {
            throw .decoding("no column \(column) in a row of \(columnCount)")
        }
        let (r, c) = (Int32(row), Int32(column))
        if unsafe PQgetisnull(pointer, r, c) == 1 {
            guard let value = T.nullValue else {
                throw .decoding("column \(name(of: column)): NULL is not a \(T.self)")
            }
            return value
        }
        let length = unsafe Int(PQgetlength(pointer, r, c))
        let start = unsafe UnsafeRawPointer(PQgetvalue(pointer, r, c))
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length)
        let type = PostgresType(id: unsafe PQftype(pointer, c))
        // The cell lies within this result, which `self` keeps alive beyond the call.
        return try withExtendedLifetime(self) { () throws(DatabaseError) -> T in
            let cell = unsafe Cell(type: type, column: column, of: self, bytes: bytes)
            return try T.decode(cell)
        }
    }

    func rows<S: Statement>(of _: S.Type) throws(DatabaseError) -> [S.Output] {
        var rows: [S.Output] = []
        rows.reserveCapacity(rowCount)
        for index in 0..<rowCount {
            rows.append(try S.decode(Row(self, index)))
        }
        return rows
    }

    func first<S: Statement>(of _: S.Type) throws(DatabaseError) -> S.Output? {
        guard rowCount > 0 else { return nil }
        return try S.decode(Row(self, 0))
    }

    func name(of column: Int) -> String {
        guard let name = unsafe PQfname(pointer, Int32(clamping: column)) else { return "?" }
        return unsafe String(cString: name)
    }
}
