internal import Contracts
internal import Postgres
internal import ServiceKit

/// Ends the session of a refresh token, used or not, when its user signs out; its row, unless it had
/// ended before.
struct RevokeSession: Statement {
    static let sql = """
        UPDATE sessions AS session
        SET revoked_at = now(), revoked_for = 'signed-out'
        FROM refresh_tokens AS token
        WHERE token.token_hash = $1 AND session.id = token.session_id
            AND session.revoked_at IS NULL
        RETURNING session.id, session.user_id
        """
    let token: RefreshToken

    func bind(_ parameters: inout Parameters) { parameters.append(token.hash) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> EndedSession {
        EndedSession(id: try row[0], user: try row[1])
    }
}
