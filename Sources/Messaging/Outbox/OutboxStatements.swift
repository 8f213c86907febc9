internal import Postgres

/// Makes the partitions of today and tomorrow and sends writers to today's.
struct TurnOutbox: Statement {
    static let sql = """
        SELECT outbox_turn(coalesce($1::text::date, (now() AT TIME ZONE 'UTC')::date))::text
        """
    /// `2026-01-31`; nil for what the database's clock says.
    let today: String?

    func bind(_ parameters: inout Parameters) { parameters.append(today) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// Seals the oldest day before today's that is not sealed; its date, or nil.
struct SealOutbox: Statement {
    static let sql = "SELECT outbox_seal()::text"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String? { try row[0] }
}

/// Drops the oldest day that need not be kept any more; its date, or nil.
struct DropOutbox: Statement {
    static let sql = """
        SELECT outbox_drop(
            coalesce($1::text::date, (now() AT TIME ZONE 'UTC')::date), $2::bigint::integer
        )::text
        """
    /// `2026-01-31`; nil for what the database's clock says.
    let today: String?
    let keepDays: Int

    func bind(_ parameters: inout Parameters) { parameters.append(today, keepDays) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String? { try row[0] }
}
