internal import Contracts
internal import Postgres
internal import ServiceKit

/// Begins a session with its first refresh token.
struct InsertSession: Statement {
    static let sql = """
        WITH session AS (
            INSERT INTO sessions (id, user_id, expires_at)
            VALUES ($1, $2, now() + interval '90 days')
            RETURNING id
        )
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
        SELECT $3, id, now() + interval '30 days' FROM session
        """
    let session: Session
    let token: RefreshToken

    func bind(_ parameters: inout Parameters) {
        parameters.append(session.id, session.user, token.hash)
    }
}
