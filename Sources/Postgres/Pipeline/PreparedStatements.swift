/// Which statements a connection has prepared, by their text.
///
/// A statement is announced before the server has confirmed it, so that callers behind the first
/// one need not wait; if the server refuses it, all of them learn the refusal's reason.
struct PreparedStatements {
    typealias ID = Int

    /// One text can be prepared for several types: `SELECT $1`.
    private struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    private var ids: [Key: ID] = [:]
    private var refused: [ID: DatabaseError] = [:]
    private var nextID: ID = 0

    /// The statement's id, and whether it must be prepared first.
    mutating func id(for sql: String, types: [UInt32] = []) -> (id: ID, isNew: Bool) {
        let key = Key(sql: sql, types: types)
        if let id = ids[key] { return (id, false) }
        nextID += 1
        ids[key] = nextID
        return (nextID, true)
    }

    /// The server refused to prepare it: the next use tries again under another name.
    mutating func refuse(_ id: ID, because error: DatabaseError) {
        forget(id)
        refused[id] = error
    }

    /// The server no longer knows the statement, or its plan no longer fits the tables.
    mutating func forget(_ id: ID) {
        guard let key = ids.first(where: { $0.value == id })?.key else { return }
        ids[key] = nil
    }

    /// Why the server refused the statement, for those that were sent before that was known.
    func refusal(of id: ID) -> DatabaseError? {
        refused[id]
    }

    /// Nothing is in flight: nobody is left who could ask about a refusal.
    mutating func settle() {
        if !refused.isEmpty { refused.removeAll() }
    }
}
