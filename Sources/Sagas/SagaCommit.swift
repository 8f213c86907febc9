internal import FoundationEssentials
public import Postgres

/// Commits a change of a saga's course together with what the saga's owner changes.
///
/// The fence goes first: when another driver has the saga, the database refuses it and with it
/// everything else in the transaction.
public struct SagaCommit: Sendable {
    let commits: GroupCommit
    /// Moves or ends the saga, and fails when it has another driver.
    let fence: any Statement
    let log: InsertSagaLog

    /// Commits the fence, the history and `statements`, all or none, in a commit that other sagas of this
    /// process may share.
    ///
    /// - Throws: `.server` with state `SG001` when the saga has another driver; otherwise what the
    ///   statements bring about. Nothing is stored then, but see `isOutcomeUncertain`.
    public func callAsFunction<each S: Statement>(
        _ statements: repeat each S
    ) async throws(DatabaseError) {
        // An array instead of a longer pack: awaiting a call with `fence, log, repeat each statements`
        // aborts at run time in Swift 6.3.1 ("freed pointer was not the last allocation").
        var all: [any Statement] = [fence, log]
        repeat all.append(each statements)
        try await commits(all)
    }

    /// Whether an error means that another driver has the saga.
    static func isFence(_ error: DatabaseError) -> Bool {
        if case .server(sqlState: "SG001", _) = error { return true }
        return false
    }
}
