internal import Contracts
internal import Identity
internal import Postgres
internal import ServiceKit

/// Ends all sessions of a user; a row for each that may have access tokens which are still valid.
///
/// Access tokens are given out with refresh tokens alone, so only sessions with a young one need be
/// told to anybody. `LockUserSessions` goes before it: else a token that is given out meanwhile is not seen.
struct RevokeUserSessions: Statement {
    static let sql = """
        WITH ended AS (
            UPDATE sessions
            SET revoked_at = now(), revoked_for = 'signed-out'
            WHERE user_id = $1 AND revoked_at IS NULL
            RETURNING id, user_id
        )
        SELECT id, user_id FROM ended WHERE EXISTS (
            SELECT FROM refresh_tokens
            WHERE session_id = ended.id AND created_at > now() - make_interval(secs => $2::bigint)
        )
        """
    let user: UserID

    func bind(_ parameters: inout Parameters) {
        parameters.append(user, EndedSession.tellingSeconds)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> EndedSession {
        EndedSession(id: try row[0], user: try row[1])
    }
}
