internal import Contracts
internal import Postgres
internal import ServiceKit

/// Uses a refresh token up and puts the next one of its family in its place.
///
/// No row means that it is unknown, expired, revoked, or was used before. Of two at the same time
/// one waits for the other's row lock and then finds the token used.
///
/// The session is locked first, so that who ends it at the same time either comes first, and the session is
/// found ended here, or waits and sees the token that is made here.
struct RotateRefreshToken: Statement {
    static let sql = """
        WITH session AS (
            SELECT session.id, session.user_id, session.expires_at
            FROM refresh_tokens AS token JOIN sessions AS session ON session.id = token.session_id
            WHERE token.token_hash = $1
                AND session.revoked_at IS NULL AND session.expires_at > now()
            FOR SHARE OF session
        ), used AS (
            UPDATE refresh_tokens AS token
            SET used_at = now()
            FROM session
            WHERE token.token_hash = $1 AND token.used_at IS NULL AND token.expires_at > now()
                AND session.id = token.session_id
            RETURNING session.id, session.user_id, session.expires_at
        ), next AS (
            INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
            SELECT $2, id, least(now() + interval '30 days', expires_at) FROM used
        )
        SELECT used.id, users.id, users.role FROM used JOIN users ON users.id = used.user_id
        """
    let token: RefreshToken
    let next: RefreshToken

    func bind(_ parameters: inout Parameters) { parameters.append(token.hash, next.hash) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Session {
        Session(
            id: try row[0],
            user: try row[1],
            role: try Role(column: row[2])
        )
    }
}
