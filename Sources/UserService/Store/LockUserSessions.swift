internal import Contracts
internal import Postgres

/// Waits for whoever is about to give out tokens in a user's sessions, and keeps others from it until the
/// transaction ends.
///
/// A statement sees what was committed before it began: what ends the sessions has to begin after this one.
struct LockUserSessions: Statement {
    static let sql = """
        SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id FOR UPDATE
        """
    let user: UserID

    func bind(_ parameters: inout Parameters) { parameters.append(user) }
}
