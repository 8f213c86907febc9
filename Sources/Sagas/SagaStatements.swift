public import FoundationEssentials
internal import HTTP
public import Postgres
internal import Telemetry

/// Starts a saga: run it in the transaction that stores what the saga is about.
public struct StartSaga: Statement {
    /// Inserts the saga's row, leased to its first driver.
    public static let sql = """
        INSERT INTO saga_pending
            (saga_id, kind, version, phase, epoch, driver, next_at, deadline, traceparent)
        VALUES ($1, $2, $6, $7, 1, $3,
            clock_timestamp() + $4 * interval '1 millisecond',
            clock_timestamp() + $5 * interval '1 millisecond', nullif($8, ''))
        """
    let id: UUID
    let kind: String
    let version: Int32
    let phase: SagaMachine.Phase
    let driver: String
    let leaseMilliseconds: Int64
    let deadlineMilliseconds: Int64
    /// The span that causes it; empty for none.
    let traceparent: String

    /// Binds the row.
    public func bind(_ parameters: inout Parameters) {
        parameters.append(
            id,
            kind,
            driver,
            leaseMilliseconds,
            deadlineMilliseconds,
            version,
            phase.rawValue,
            traceparent
        )
    }
}

/// A saga that this process has the lease of.
struct ClaimedSaga: Sendable, Equatable {
    let id: UUID
    let kind: String
    let phase: SagaMachine.Phase
    let epoch: Int64
    let attempts: Int
    /// What is left until the deadline, by the database's clock; negative when it has passed.
    let remainingMilliseconds: Int64
    let refusal: Refusal?
    /// The span that caused it, for whoever goes on; nil when that is not known, or at hand anyhow.
    var cause: TraceContext?
}

/// Takes over sagas whose lease has lapsed, oldest first; other replicas' claims are stepped over.
///
/// What a process of the same name but another incarnation has leased is taken as well: that process
/// is dead, or it would not have been started again. What is of another kind, version or phase than
/// the claimer knows stays where it is.
struct ClaimSagas: Statement {
    static let sql = """
        UPDATE saga_pending
        SET epoch = epoch + 1, driver = $2,
            next_at = clock_timestamp() + $3 * interval '1 millisecond'
        WHERE kind = $1 AND saga_id IN (
            SELECT saga_id FROM saga_pending
            WHERE kind = $1 AND version BETWEEN $5 AND $6
                AND phase IN ('running', 'compensating', 'finishing')
                AND (next_at <= clock_timestamp()
                OR (driver <> $2 AND split_part(driver, '#', 1) = split_part($2, '#', 1)))
            ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED)
        RETURNING saga_id, kind, phase, epoch, attempts,
            (extract(epoch FROM deadline - clock_timestamp()) * 1000)::bigint, reason, detail,
            traceparent
        """
    let kind: String
    let versions: ClosedRange<Int32>
    let driver: String
    let leaseMilliseconds: Int64
    let limit: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            kind,
            driver,
            leaseMilliseconds,
            limit,
            versions.lowerBound,
            versions.upperBound
        )
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ClaimedSaga {
        let phase: String = try row[2]
        let attempts: Int32 = try row[4]
        let reason: String? = try row[6]
        let detail: String? = try row[7]
        let cause: String? = try row[8]
        guard let known = SagaMachine.Phase(rawValue: phase) else {
            throw .decoding("unknown phase \(phase)")
        }
        return ClaimedSaga(
            id: try row[0],
            kind: try row[1],
            phase: known,
            epoch: try row[3],
            attempts: Int(attempts),
            remainingMilliseconds: try row[5],
            refusal: reason.map { Refusal(reason: $0, detail: detail ?? "{}") },
            cause: cause.flatMap(TraceContext.init(traceparent:))
        )
    }
}

/// Ends a saga, or fails the transaction when it has another driver.
struct EndSaga: Statement {
    static let sql = "SELECT saga_end($1, $2, $3, $4)"
    let id: UUID
    let kind: String
    let epoch: Int64
    let phase: SagaMachine.Phase

    func bind(_ parameters: inout Parameters) { parameters.append(id, kind, epoch, phase.rawValue) }
}

/// Moves a saga to another phase, or fails the transaction when it has another driver.
struct MoveSaga: Statement {
    static let sql = "SELECT saga_move($1, $2, $3, $4, $5, $6, $7, $8)"
    let id: UUID
    let kind: String
    let epoch: Int64
    let from: SagaMachine.Phase
    let to: SagaMachine.Phase
    let refusal: Refusal?
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            id,
            kind,
            epoch,
            from.rawValue,
            to.rawValue,
            refusal?.reason,
            refusal?.detail,
            leaseMilliseconds
        )
    }
}

/// Notes a try without an answer and moves the lease; no row comes back when another driver has it.
struct PostponeSaga: Statement {
    static let sql = """
        UPDATE saga_pending
        SET attempts = $4, last_error = $5,
            next_at = clock_timestamp() + $6 * interval '1 millisecond'
        WHERE saga_id = $1 AND kind = $2 AND epoch = $3
        RETURNING epoch
        """
    let id: UUID
    let kind: String
    let epoch: Int64
    let attempts: Int64
    let lastError: String?
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, kind, epoch, attempts, lastError, leaseMilliseconds)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

/// Claims a saga again whose last commit this driver has no answer to.
///
/// It waits for that commit if it is still under way; afterwards the new epoch keeps it from counting.
/// The driver is compared instead of the epoch, since the answer to an earlier such claim may be lost.
struct ReclaimSaga: Statement {
    static let sql = """
        UPDATE saga_pending
        SET epoch = epoch + 1, attempts = $4, last_error = $5,
            next_at = clock_timestamp() + $6 * interval '1 millisecond'
        WHERE saga_id = $1 AND kind = $2 AND driver = $3
        RETURNING phase, epoch,
            (extract(epoch FROM deadline - clock_timestamp()) * 1000)::bigint
        """
    let id: UUID
    let kind: String
    let driver: String
    let attempts: Int64
    let lastError: String?
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, kind, driver, attempts, lastError, leaseMilliseconds)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ReclaimedSaga {
        let phase: String = try row[0]
        guard let known = SagaMachine.Phase(rawValue: phase) else {
            throw .decoding("unknown phase \(phase)")
        }
        return ReclaimedSaga(phase: known, epoch: try row[1], remainingMilliseconds: try row[2])
    }
}

/// What the row of a saga says that was claimed again.
struct ReclaimedSaga: Sendable, Equatable {
    let phase: SagaMachine.Phase
    let epoch: Int64
    /// What is left until the deadline, by the database's clock; negative when it has passed.
    let remainingMilliseconds: Int64
}

/// Finds the epoch in which a saga ended; nil while it has not, or when it left no history.
///
/// Whoever ends a saga writes its history in the same commit, so no epoch above a driver's own means that
/// nobody else has ended it.
struct FindLastEpoch: Statement {
    static let sql = """
        SELECT max(epoch) FROM saga_log WHERE saga_id = $1
            AND NOT EXISTS (SELECT FROM saga_pending WHERE saga_id = $1 AND kind = $2)
        """
    let id: UUID
    let kind: String

    func bind(_ parameters: inout Parameters) { parameters.append(id, kind) }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64? { try row[0] }
}

/// Gives up every lease of a driver that is about to stop, so that others need not wait.
///
/// The epoch moves on as well, and the incarnation is taken off the driver's name: a write of the stopping
/// driver that is still on its way, such as a renewal of the lease, must not come after this and count.
struct ReleaseSagas: Statement {
    static let sql = """
        UPDATE saga_pending
        SET next_at = clock_timestamp(), epoch = epoch + 1, driver = split_part(driver, '#', 1)
        WHERE kind = $1 AND driver = $2
        """
    let kind: String
    let driver: String

    func bind(_ parameters: inout Parameters) { parameters.append(kind, driver) }
}

/// Appends to a saga's history.
public struct InsertSagaLog: Statement {
    /// A row for what one driver noted at one time.
    public static let sql =
        "INSERT INTO saga_log (saga_id, epoch, driver, entries) VALUES ($1, $2, $3, $4)"
    let id: UUID
    let epoch: Int64
    let driver: String
    let entries: [SagaLogEntry]

    /// Binds the row; the entries go as JSON text.
    public func bind(_ parameters: inout Parameters) {
        parameters.append(id, epoch, driver, text)
    }

    /// The entries as JSON text: texts and numbers, which always encode.
    var text: String {
        String(decoding: (try? JSON.encode(entries)) ?? Array("[]".utf8), as: UTF8.self)
    }
}

/// Reads a saga's history, oldest first.
public struct FindSagaLog: Statement {
    /// Each row is what one driver noted at one time.
    public static let sql = """
        SELECT driver, epoch, entries FROM saga_log WHERE saga_id = $1 ORDER BY id
        """
    let id: UUID

    /// The history of the saga with this id.
    public init(id: UUID) {
        self.id = id
    }

    /// Binds the id.
    public func bind(_ parameters: inout Parameters) { parameters.append(id) }

    /// Reads the entries of one row.
    ///
    /// - Throws: `.decoding` when the row holds something else.
    public static func decode(_ row: borrowing Row) throws(DatabaseError) -> [SagaLogEntry] {
        let text: String = try row[2]
        do {
            return try JSONDecoder().decode([SagaLogEntry].self, from: Data(text.utf8))
        } catch {
            throw .decoding("saga_log.entries")
        }
    }
}
