internal import Postgres

/// Counts the payments that should have ended long ago: charges without a result for 10 minutes, whose
/// sagas must ask again or void, and voids for one.
struct CountUnsettledPayments: Statement {
    static let sql = """
        SELECT
            count(*) FILTER (
                WHERE status = 'processing' AND updated_at < now() - interval '10 minutes'),
            count(*) FILTER (
                WHERE status <> 'processing' AND updated_at < now() - interval '1 minute')
        FROM payments WHERE status IN ('processing', 'voiding', 'refunding')
        """

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (charges: Int64, voids: Int64) {
        (charges: try row[0], voids: try row[1])
    }
}
