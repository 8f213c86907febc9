internal import Contracts
internal import Postgres

/// Leases a batch of payments whose void was decided 10 s ago or longer and has not ended.
///
/// The lease only keeps replicas from doing the same work twice; that both do it would be safe. Rows
/// that another replica is claiming right now are skipped.
struct ClaimStuckPayments: Statement {
    static let sql = """
        UPDATE payments SET claimed_until = now() + interval '30 seconds'
        WHERE order_id IN (
            SELECT order_id FROM payments
            WHERE status IN ('voiding', 'refunding')
                AND updated_at < now() - interval '10 seconds' AND claimed_until < now()
            ORDER BY updated_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING order_id
        """
    let limit: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(limit)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> OrderID {
        OrderID(try row[0])
    }
}
