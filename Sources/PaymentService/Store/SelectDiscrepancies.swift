internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Lists discrepancies, newest first, one more than asked for.
struct SelectDiscrepancies: Statement {
    static let sql = """
        SELECT id, kind, order_id, provider_intent, our_cents, provider_cents, state, found_at,
            seen_at
        FROM discrepancies
        WHERE id < $1 AND ($2 OR state = 'open')
        ORDER BY id DESC LIMIT $3
        """
    let page: DiscrepancyPage

    func bind(_ parameters: inout Parameters) {
        parameters.append(page.before ?? .max, page.isAll, Int64(page.limit + 1))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> RecordedDiscrepancy {
        let order: UUID? = try row[2]
        return RecordedDiscrepancy(
            id: try row[0],
            discrepancy: Discrepancy(
                kind: try row[1],
                order: order.map(OrderID.init),
                intent: try row[3],
                ourCents: try row[4],
                providerCents: try row[5],
                state: try row[6]
            ),
            foundAt: try row[7],
            seenAt: try row[8]
        )
    }
}

/// Finds the open discrepancies that were looked at longest ago.
struct SelectOpenDiscrepancies: Statement {
    static let sql = """
        SELECT order_id, provider_intent FROM discrepancies WHERE state = 'open'
        ORDER BY seen_at LIMIT $1
        """
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        parameters.append(Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Suspect {
        let order: UUID? = try row[0]
        return Suspect(order: order.map(OrderID.init), intent: try row[1])
    }
}

/// Counts the open discrepancies of each kind.
struct CountDiscrepancies: Statement {
    static let sql = "SELECT kind, count(*) FROM discrepancies WHERE state = 'open' GROUP BY kind"

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (kind: Discrepancy.Kind, count: Int64) {
        (kind: try row[0], count: try row[1])
    }
}

extension Discrepancy.Kind: PostgresValue {}
extension Discrepancy.State: PostgresValue {}
