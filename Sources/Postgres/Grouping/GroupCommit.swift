/// Commits what many callers want to commit, together.
///
/// Each caller's statements are all done or none, as with `Database.run`; the commit, and wherever
/// statements are mergeable the work as well, is shared with whoever commits at the same time.
public final class GroupCommit: Sendable {
    private let batcher: Batcher<[any Statement], Never, Void>

    /// Commits into this database.
    public init(_ database: Database) {
        batcher = Batcher(database, types: { $0.map { type(of: $0) } }) {
            requests throws(DatabaseError) in
            try await database.run(merge(requests))
            return requests.map { _ in () }
        }
    }

    /// Commits the statements, all or none of them.
    ///
    /// No answer comes back, so a statement that must not be in vain raises an error.
    ///
    /// - Throws: what the statements bring about, as if they had run alone; `.overloaded` when they
    ///   were not begun in time. See `isOutcomeUncertain` for the rest.
    public func callAsFunction(_ statements: [any Statement]) async throws(DatabaseError) {
        guard !statements.isEmpty else { return }
        try await batcher.submit(statements, key: nil)
    }
}
