/// Statements on their way to one synchronization point.
struct Batch {
    private(set) var statements: [BoundStatement] = []

    mutating func append<S: Statement>(_ statement: S) {
        statements.append(BoundStatement(statement))
    }
}

/// Decodes the results of a pipeline, each by the statement at its place.
func decode<each S: Statement>(
    _ results: [ResultSet],
    _ type: repeat (each S).Type
) throws(DatabaseError) -> (repeat [(each S).Output]) {
    var rest = results[...]
    func next<T: Statement>(_ type: T.Type) throws(DatabaseError) -> [T.Output] {
        guard let result = rest.popFirst() else {
            throw .decoding("the server answered fewer statements than were sent")
        }
        return try result.rows(of: type)
    }
    return (repeat try next(each type))
}
