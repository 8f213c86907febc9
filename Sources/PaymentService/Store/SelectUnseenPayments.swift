internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Finds payments of a span of time whose money the provider must know, without those it showed.
struct SelectUnseenCaptures: Statement {
    static let sql = """
        SELECT order_id FROM payments
        WHERE created_at >= to_timestamp($1) AND created_at < to_timestamp($2)
            AND status IN ('captured', 'refunding', 'refunded') AND order_id <> ALL($3)
        LIMIT $4
        """
    let span: AuditSpan
    let seen: [OrderID]
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(Double(span.rowsFrom), Double(span.rowsTo), seen.map(\.uuid))
        parameters.append(Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> OrderID {
        OrderID(try row[0])
    }
}

/// Finds payments that were refunded in a span of time, without those whose refund the provider
/// showed.
struct SelectUnseenRefunds: Statement {
    static let sql = """
        SELECT order_id FROM payments
        WHERE updated_at >= to_timestamp($1) AND updated_at < to_timestamp($2)
            AND status = 'refunded' AND order_id <> ALL($3)
        LIMIT $4
        """
    let span: AuditSpan
    let seen: [OrderID]
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(Double(span.rowsFrom), Double(span.rowsTo), seen.map(\.uuid))
        parameters.append(Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> OrderID {
        OrderID(try row[0])
    }
}
