internal import Contracts
internal import Postgres
internal import ServiceKit

/// Finds what a user may see of their account.
struct SelectProfile: Statement {
    static let sql = """
        SELECT id, email, role, created_at, name, preferences, updated_at, version
        FROM users WHERE id = $1
        """
    let id: UserID

    func bind(_ parameters: inout Parameters) { parameters.append(id) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Profile {
        try Profile(row)
    }
}
