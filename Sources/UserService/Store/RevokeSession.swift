internal import Postgres

/// Ends the session of a refresh token, used or not, when its user signs out.
struct RevokeSession: Statement {
    static let sql = """
        UPDATE sessions AS session
        SET revoked_at = now(), revoked_for = 'signed-out'
        FROM refresh_tokens AS token
        WHERE token.token_hash = $1 AND session.id = token.session_id
            AND session.revoked_at IS NULL
        """
    let token: RefreshToken

    func bind(_ parameters: inout Parameters) { parameters.append(token.hash) }
}
