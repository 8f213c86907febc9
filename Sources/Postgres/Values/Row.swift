/// One row of an answer, lent to a statement's `decode`.
public struct Row {
    private let result: ResultSet
    private let index: Int

    init(_ result: ResultSet, _ index: Int) {
        self.result = result
        self.index = index
    }

    /// How many columns the statement returned.
    public var count: Int { result.columnCount }

    /// Reads a column by position, from 0, as the type the context asks for.
    public subscript<T: PostgresDecodable>(_ column: Int) -> T {
        get throws(DatabaseError) { try decode(column) }
    }

    /// Reads a column by position, from 0.
    public func decode<T: PostgresDecodable>(
        _ column: Int,
        as type: T.Type = T.self
    ) throws(DatabaseError) -> T {
        try result.decode(row: index, column: column)
    }

    /// Reads a `jsonb` or `json` column as a decodable value.
    public func json<T: Decodable>(
        _ column: Int,
        as type: T.Type = T.self
    ) throws(DatabaseError) -> T {
        try decode(column, as: JSONText.self).decode(as: type)
    }
}
