internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension Profile {
    /// Reads `id, email, role, created_at, name, preferences, updated_at, version`.
    init(_ row: borrowing Row) throws(DatabaseError) {
        self.init(
            id: try row[0],
            email: try row[1],
            role: try Role(column: row[2]),
            createdAt: try row[3],
            name: try row[4],
            preferences: try row.json(5, as: [String: JSONValue].self),
            updatedAt: try row[6],
            version: try row[7]
        )
    }
}

extension Role {
    /// Reads a column that a CHECK keeps to the known roles.
    init(column: String) throws(DatabaseError) {
        guard let role = Role(rawValue: column) else { throw .decoding("users.role") }
        self = role
    }
}
