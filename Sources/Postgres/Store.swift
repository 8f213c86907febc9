/// A database that throws the caller's own error.
///
/// A service whose handlers throw `Problem` holds a `Store<Problem>` and needs no translation at
/// each statement. Everything else is as on `Database`.
public struct Store<Failure: DatabaseFailure>: Sendable {
    /// The database underneath.
    public let database: Database

    /// Wraps a database.
    public init(_ database: Database) {
        self.database = database
    }

    /// Runs a statement and decodes its first row; nil when there is none.
    public func one<S: Statement>(_ statement: S) async throws(Failure) -> S.Output? {
        do throws(DatabaseError) {
            return try await database.one(statement)
        } catch {
            throw Failure(error)
        }
    }

    /// Runs a statement and decodes all its rows.
    public func all<S: Statement>(_ statement: S) async throws(Failure) -> [S.Output] {
        do throws(DatabaseError) {
            return try await database.all(statement)
        } catch {
            throw Failure(error)
        }
    }

    /// Runs a statement and returns how many rows it affected.
    @discardableResult
    public func run<S: Statement>(_ statement: S) async throws(Failure) -> Int {
        do throws(DatabaseError) {
            return try await database.run(statement)
        } catch {
            throw Failure(error)
        }
    }

    /// Runs any number of statements as one transaction; returns how many rows each affected.
    @discardableResult
    public func run(_ statements: [any Statement]) async throws(Failure) -> [Int] {
        do throws(DatabaseError) {
            return try await database.run(statements)
        } catch {
            throw Failure(error)
        }
    }

    /// Runs statements as one transaction in one round trip: all of them or none.
    public func pipeline<each S: Statement>(
        _ statement: repeat each S
    ) async throws(Failure) -> (repeat [(each S).Output]) {
        do throws(DatabaseError) {
            return try await database.pipeline(repeat each statement)
        } catch {
            throw Failure(error)
        }
    }

    /// Runs `body` in a transaction; see `Database.transaction`.
    @discardableResult
    public func transaction<T: Sendable>(
        isolation: Isolation = .readCommitted,
        retries: Int = 3,
        _ body: (Transaction<Failure>) async throws(Failure) -> T
    ) async throws(Failure) -> T {
        try await database.transaction(isolation: isolation, retries: retries, body)
    }
}
