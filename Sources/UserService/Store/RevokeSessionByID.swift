internal import Contracts
internal import Postgres
internal import ServiceKit

/// Ends a session that its user's access token names; its row, unless it had ended before.
struct RevokeSessionByID: Statement {
    static let sql = """
        UPDATE sessions
        SET revoked_at = now(), revoked_for = 'signed-out'
        WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL
        RETURNING id, user_id
        """
    let session: SessionID
    let user: UserID

    func bind(_ parameters: inout Parameters) { parameters.append(session, user) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> EndedSession {
        EndedSession(id: try row[0], user: try row[1])
    }
}
