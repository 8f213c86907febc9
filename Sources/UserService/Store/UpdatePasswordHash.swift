internal import Contracts
internal import Postgres
internal import ServiceKit

/// Replaces a password's hash by a stronger one of the same password, if it is still that one.
struct UpdatePasswordHash: Statement {
    static let sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"
    let id: UserID
    let old: String
    let new: String

    func bind(_ parameters: inout Parameters) { parameters.append(id, old, new) }
}
