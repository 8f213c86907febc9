public import FoundationEssentials
public import Postgres

/// Finds the sagas about one thing that have not ended.
public struct FindPendingSagas: Statement {
    /// No row means that all have ended.
    public static let sql = """
        SELECT \(PendingSaga.columns) FROM saga_pending WHERE saga_id = $1 ORDER BY started_at
        """
    let id: UUID

    /// The sagas with this id.
    public init(id: UUID) {
        self.id = id
    }

    /// Binds the id.
    public func bind(_ parameters: inout Parameters) { parameters.append(id) }

    /// Reads the row.
    public static func decode(_ row: borrowing Row) throws(DatabaseError) -> PendingSaga {
        try PendingSaga(row)
    }
}

/// Finds a page of the sagas that have not ended, by their ids.
struct FindSagaPage: Statement {
    static let sql = """
        SELECT \(PendingSaga.columns) FROM saga_pending
        WHERE ($1::text IS NULL OR phase = $1)
            AND (NOT $2 OR (\(PendingSaga.standstill)) IS NOT NULL)
            AND ($3::uuid IS NULL OR (saga_id, kind) > ($3, $4))
        ORDER BY saga_id, kind LIMIT $5
        """
    let filter: SagaFilter?
    let after: SagaCursor?
    let limit: Int

    func bind(_ parameters: inout Parameters) {
        let phase = filter == .stuck ? nil : filter?.rawValue
        parameters.append(phase, filter == .stuck, after?.id, after?.kind, Int64(limit))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PendingSaga {
        try PendingSaga(row)
    }
}

/// Ends the wait of the sagas about one thing, whoever has their lease: the epoch keeps them safe.
struct HastenSagas: Statement {
    static let sql = """
        UPDATE saga_pending SET next_at = clock_timestamp() WHERE saga_id = $1
        RETURNING \(PendingSaga.columns)
        """
    let id: UUID

    func bind(_ parameters: inout Parameters) { parameters.append(id) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> PendingSaga {
        try PendingSaga(row)
    }
}

/// Counts the sagas that have not ended, and those that stand still.
struct CountSagas: Statement {
    static let sql = """
        SELECT kind, phase, count(*), count(stuck), min(id) FILTER (WHERE stuck IS NOT NULL),
            min(last_error) FILTER (WHERE stuck IS NOT NULL)
        FROM (SELECT kind, phase, saga_id::text AS id, last_error, \(PendingSaga.standstill) AS stuck
                FROM saga_pending) AS pending
        GROUP BY kind, phase
        """

    func bind(_ parameters: inout Parameters) {}

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> SagaCount {
        let pending: Int64 = try row[2]
        let stuck: Int64 = try row[3]
        return SagaCount(
            kind: try row[0],
            phase: try row[1],
            pending: Int(pending),
            stuck: Int(stuck),
            example: try row[4],
            lastError: try row[5]
        )
    }
}

/// The sagas of one kind in one phase.
struct SagaCount: Sendable, Equatable {
    let kind: String
    let phase: String
    let pending: Int
    let stuck: Int
    /// One that is stuck.
    let example: String?
    /// What one that is stuck ran into.
    let lastError: String?
}
