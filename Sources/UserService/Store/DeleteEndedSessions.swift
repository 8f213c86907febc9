internal import Postgres

/// Deletes some sessions that ended long ago, with their refresh tokens.
///
/// Revoked ones stay until they would have expired, so that a replayed token is still known.
struct DeleteEndedSessions: Statement {
    static let sql = """
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE expires_at < now() - interval '1 day'
            ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED
        )
        """
}
