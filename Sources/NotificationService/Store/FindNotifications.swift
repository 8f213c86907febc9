internal import Contracts
internal import Postgres
internal import ServiceKit

/// Finds one page of a customer's notifications and the first one behind it, the newest first.
struct FindNotifications: Statement {
    static let sql = """
        SELECT event_id, position, order_id, kind, channel, subject, body, created_at
        FROM deliveries
        WHERE user_id = $1 AND ($2::bigint IS NULL OR position < $2)
        ORDER BY position DESC
        LIMIT $3
        """
    let user: UserID
    let page: NotificationPage

    func bind(_ parameters: inout Parameters) {
        parameters.append(user, page.before?.position, Int64(page.limit + 1))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Notification {
        Notification(
            id: try row[0],
            position: try row[1],
            orderID: try row[2],
            kind: try row[3],
            channel: try row[4],
            subject: try row[5],
            body: try row[6],
            createdAt: try row[7]
        )
    }
}
