internal import Reactor

extension Database {
    /// Runs `body` in a transaction on a connection of its own, and commits unless it throws.
    ///
    /// After a serialization failure or a deadlock all of it runs again, so `body` must have no other
    /// effects than its statements. Holding a connection while waiting for something else starves
    /// other transactions: make no calls to other services inside.
    ///
    ///     try await database.transaction { tx throws(DatabaseError) in
    ///         guard try await tx.run(TakeStock(product, 1)) == 1 else { throw … }
    ///         try await tx.run(InsertReservation(…), InsertEvent(…))
    ///     }
    ///
    /// - Parameters:
    ///   - isolation: what the transaction sees of others.
    ///   - retries: how often it is tried again after the first time.
    /// - Throws: what `body` throws, or a `DatabaseError` as `Failure`; `.outcomeUnknown` when the
    ///   commit was sent and its answer lost.
    @discardableResult
    public func transaction<T: Sendable, Failure: DatabaseFailure>(
        isolation: Isolation = .readCommitted,
        retries: Int = 3,
        _ body: (Transaction<Failure>) async throws(Failure) -> T
    ) async throws(Failure) -> T {
        let deadline = deadline()
        var backoff = Backoff(first: .milliseconds(5), limit: .milliseconds(200))
        while true {
            let transaction = try await begin(isolation, until: deadline, Failure.self)
            let attempt = await attempt(transaction, body)
            await end(transaction)
            switch attempt {
            case .success(let value): return value
            case .failure(let error):
                guard case .again = error, backoff.attempts < retries else { throw error.failure }
                var random = SystemRandomNumberGenerator()
                let wait = backoff.next(using: &random)
                guard deadline.remaining > wait else { throw error.failure }
                await pause(for: wait, on: transaction.connection.loop)
            }
        }
    }

    /// Leases a connection; the transaction opens with its first statement.
    private func begin<Failure: DatabaseFailure>(
        _ isolation: Isolation,
        until deadline: Deadline,
        _: Failure.Type
    ) async throws(Failure) -> Transaction<Failure> {
        let pool = pool()
        do throws(DatabaseError) {
            try checkHold()
            let connection = try await onLoop(pool.loop) { () async throws(DatabaseError) in
                try await pool.lease(until: deadline)
            }
            return Transaction(
                connection,
                isolation: isolation,
                until: deadline,
                observe: observe
            )
        } catch {
            throw Failure(error)
        }
    }

    private func attempt<T: Sendable, Failure: DatabaseFailure>(
        _ transaction: Transaction<Failure>,
        _ body: (Transaction<Failure>) async throws(Failure) -> T
    ) async -> Result<T, AttemptError<Failure>> {
        let value: T
        do throws(Failure) {
            value = try await body(transaction)
        } catch {
            let failure = await onLoop(transaction.connection.loop) { transaction.failure }
            return .failure(failure == .serialization ? .again(error) : .final(error))
        }
        do throws(DatabaseError) {
            try await onLoop(transaction.connection.loop) { () async throws(DatabaseError) in
                try await transaction.commit()
            }
            return .success(value)
        } catch {
            let failure = Failure(error)
            return .failure(error == .serialization ? .again(failure) : .final(failure))
        }
    }

    /// Rolls back what is still open and gives the connection back.
    private func end<Failure: DatabaseFailure>(_ transaction: Transaction<Failure>) async {
        let connection = transaction.connection
        await onLoop(connection.loop) {
            transaction.rollBack()
            (connection.owner as? LoopPool)?.release(connection)
        }
    }

    private func pause(for wait: Duration, on loop: EventLoop) async {
        await onLoop(loop) {
            // A cancelled wait ends early, and the next attempt throws `.cancelled` by itself.
            try? await EventLoop.sleep(for: wait)
        }
    }
}

/// How an attempt at a transaction failed.
private enum AttemptError<Failure: Error>: Error {
    case again(Failure)
    case final(Failure)

    var failure: Failure {
        switch self {
        case .again(let failure), .final(let failure): failure
        }
    }
}
