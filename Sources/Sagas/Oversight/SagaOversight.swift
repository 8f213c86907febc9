public import FoundationEssentials
public import Postgres

/// What operators see of a service's sagas, and what they can do about one that stands still.
public struct SagaOversight: Sendable {
    private let database: Database
    private let instance: String

    /// Looks into a database with saga tables.
    ///
    /// - Parameter instance: this process's name, for the history.
    public init(_ database: Database, instance: String) {
        self.database = database
        self.instance = instance
    }

    /// A page of the sagas that have not ended, by their ids.
    ///
    /// - Throws: whatever keeps the database from answering.
    public func list(
        _ filter: SagaFilter?,
        after: SagaCursor?,
        limit: Int
    ) async throws(DatabaseError) -> [PendingSaga] {
        try await database.all(FindSagaPage(filter: filter, after: after, limit: limit))
    }

    /// The sagas about one thing that have not ended, and the history of all.
    ///
    /// - Throws: whatever keeps the database from answering.
    public func find(
        _ id: UUID
    ) async throws(DatabaseError) -> (pending: [PendingSaga], log: [SagaLogEntry]) {
        let (pending, log) = try await database.pipeline(
            FindPendingSagas(id: id),
            FindSagaLog(id: id)
        )
        return (pending, log.flatMap(\.self))
    }

    /// Lets the sagas about one thing be taken up with the next poll instead of after their pause, and
    /// notes in their history who asked for it.
    ///
    /// Asking for a saga that somebody drives is safe: another driver takes over, and the epoch
    /// refuses what the former one still tries to commit.
    ///
    /// - Returns: those sagas; none when all have ended.
    /// - Throws: whatever keeps the database from answering.
    public func retry(_ id: UUID, by whom: String) async throws(DatabaseError) -> [PendingSaga] {
        try await database.transaction { transaction throws(DatabaseError) in
            let hastened = try await transaction.all(HastenSagas(id: id))
            for saga in hastened { try await transaction.run(note(saga, by: whom)) }
            return hastened
        }
    }

    private func note(_ saga: PendingSaga, by whom: String) -> InsertSagaLog {
        let entry = SagaLogEntry(
            saga: saga.kind,
            at: SagaLogEntry.now(),
            step: "operator",
            action: "retry",
            attempt: saga.attempts,
            outcome: "done",
            milliseconds: 0,
            driver: instance,
            epoch: saga.epoch,
            detail: whom
        )
        return InsertSagaLog(id: saga.id, epoch: saga.epoch, driver: instance, entries: [entry])
    }
}
