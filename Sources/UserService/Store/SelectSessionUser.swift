internal import Contracts
internal import Postgres
internal import ServiceKit

/// Finds whose refresh token this is; no row unless it could be used.
struct SelectSessionUser: Statement {
    static let sql = """
        SELECT session.user_id
        FROM refresh_tokens AS token JOIN sessions AS session ON session.id = token.session_id
        WHERE token.token_hash = $1 AND token.used_at IS NULL AND token.expires_at > now()
            AND session.revoked_at IS NULL AND session.expires_at > now()
        """
    let token: RefreshToken

    func bind(_ parameters: inout Parameters) { parameters.append(token.hash) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> UserID { try row[0] }
}
