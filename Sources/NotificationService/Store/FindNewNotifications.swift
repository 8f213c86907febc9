internal import Contracts
internal import Messaging
internal import Postgres
internal import ServiceKit

/// A notification and the place right behind it.
struct ToldNotification: Sendable {
    let notification: Notification
    let cursor: FeedCursor
}

/// Finds what a customer was told behind a cursor, in the order that it was committed in.
///
/// It stops at the oldest transaction that is still running, as the event feed does: nothing can
/// appear before what it has found.
struct FindNewNotifications: Statement {
    static let sql = """
        SELECT event_id, position, order_id, kind, channel, subject, body, created_at, txid::text
        FROM deliveries
        WHERE user_id = $1 AND (txid, position) > ($2::text::xid8, $3)
            AND txid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY deliveries.txid, position
        LIMIT $4
        """
    let user: UserID
    let after: FeedCursor
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(user, "\(after.transaction)", after.row, Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ToldNotification {
        let text: String = try row[8]
        guard let transaction = UInt64(text) else { throw .decoding("deliveries.txid") }
        let notification = try FindNotifications.decode(row)
        return ToldNotification(
            notification: notification,
            cursor: FeedCursor(transaction: transaction, row: notification.position)
        )
    }
}

/// Finds the place that everything told from now on lies behind.
struct FindEndOfNotifications: Statement {
    static let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> FeedCursor {
        let text: String = try row[0]
        guard let transaction = UInt64(text) else { throw .decoding("pg_snapshot_xmin") }
        return FeedCursor(transaction: transaction, row: 0)
    }
}
