internal import Contracts
internal import Postgres
internal import ServiceKit

/// Makes an account; no row when the address has one already.
struct InsertUser: Statement {
    static let sql = """
        INSERT INTO users (id, email, email_key, password_hash, name, role)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (email_key) DO NOTHING
        RETURNING id, email, role, created_at, name, preferences, updated_at, version
        """
    let id: UserID
    let email: EmailAddress
    let passwordHash: String
    let name: String
    let role: Role

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, email.text, email.key, passwordHash, name, role.rawValue)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Profile {
        try Profile(row)
    }
}
