/// Which statements a connection has prepared, by their text.
///
/// A statement is announced before the server has confirmed it, so that callers behind the first
/// one need not wait; if the server refuses it, all of them learn the refusal's reason.
struct PreparedStatements {
    typealias ID = Int

    private var ids: [String: ID] = [:]
    private var refused: [ID: DatabaseError] = [:]
    private var nextID: ID = 0

    /// The statement's id, and whether it must be prepared first.
    mutating func id(for sql: String) -> (id: ID, isNew: Bool) {
        if let id = ids[sql] { return (id, false) }
        nextID += 1
        ids[sql] = nextID
        return (nextID, true)
    }

    /// The server refused to prepare it: the next use tries again under another name.
    mutating func refuse(_ id: ID, because error: DatabaseError) {
        forget(id)
        refused[id] = error
    }

    /// The server no longer knows the statement, or its plan no longer fits the tables.
    mutating func forget(_ id: ID) {
        guard let sql = ids.first(where: { $0.value == id })?.key else { return }
        ids[sql] = nil
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
