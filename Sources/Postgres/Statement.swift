/// One SQL statement: text you can paste into psql, the values it takes and the row it gives.
///
/// The text is prepared once per connection and its parameters and results travel in binary.
///
///     /// Finds an order's state.
///     struct FindOrderState: Statement {
///         static let sql = "SELECT state FROM orders WHERE id = $1"
///         let id: UUID
///         func bind(_ parameters: inout Parameters) { parameters.append(id) }
///         static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
///     }
public protocol Statement: Sendable {
    /// What one row is decoded to; `Void` for statements that return none.
    associatedtype Output: Sendable = Void
    /// The text, with `$1`, `$2`… for the values. One statement; it must not change at run time.
    static var sql: String { get }
    /// Appends the values in the order of their numbers.
    func bind(_ parameters: inout Parameters)
    /// Reads one row, columns by position.
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Output
}

extension Statement {
    /// Statements without values bind nothing.
    public func bind(_ parameters: inout Parameters) {}
}

extension Statement where Output == Void {
    /// Rows of a statement without an output carry nothing.
    public static func decode(_ row: borrowing Row) throws(DatabaseError) {}
}

/// A statement with its values encoded, ready for any connection.
struct BoundStatement: Sendable {
    let sql: String
    let parameters: Parameters
    /// What it was made of; its name says what the statement does, without its values.
    let type: Any.Type

    init<S: Statement>(_ statement: S) {
        var parameters = Parameters()
        statement.bind(&parameters)
        self.sql = S.sql
        self.type = S.self
        self.parameters = parameters
    }
}
