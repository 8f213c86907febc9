internal import Contracts
internal import Postgres
internal import ServiceKit

/// Lists sessions that were ended so lately that their access tokens may still be valid, each with
/// the place in the feed of events from which on the later ones are told.
///
/// One snapshot decides both: what it does not see yet was written by a transaction that is not below
/// its horizon, and the feed tells of that one.
struct SelectEndedSessions: Statement {
    static let sql = """
        SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text, ended.id
        FROM (SELECT 1) AS always LEFT JOIN (
            SELECT id FROM sessions
            WHERE revoked_at > now() - make_interval(secs => $1::bigint)
        ) AS ended ON true
        """

    func bind(_ parameters: inout Parameters) { parameters.append(EndedSession.tellingSeconds) }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (transaction: String, session: SessionID?) {
        (transaction: try row[0], session: try row[1])
    }
}
