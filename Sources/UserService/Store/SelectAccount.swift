internal import Contracts
internal import Postgres
internal import ServiceKit

/// Finds the account of an e-mail address, however it is spelled.
struct SelectAccount: Statement {
    static let sql = "SELECT id, role, password_hash FROM users WHERE email_key = $1"
    let email: EmailAddress

    func bind(_ parameters: inout Parameters) { parameters.append(email.key) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Account {
        Account(
            id: try row[0],
            role: try Role(column: row[1]),
            passwordHash: try row[2]
        )
    }
}
