internal import Postgres

/// What the sandbox asks of its database.
///
/// An effect is committed together with its key and answer.
struct SandboxStore: Sendable {
    /// What became of a request under an idempotency key.
    enum Outcome: Sendable, Equatable {
        /// Done now, and answered so.
        case done(StoredAnswer)
        /// Done before; this was the answer.
        case replayed(StoredAnswer)
    }

    let database: Store<StripeError>

    /// Creates an intent as planned, in one round trip and one commit, unless its key was used.
    func create(
        _ plan: IntentPlan,
        answer: StoredAnswer,
        for request: KeyedRequest
    ) async throws(StripeError) -> Outcome {
        let (inserted, found) = try await database.pipeline(
            InsertIntent(request: request, answer: answer, plan: plan),
            SelectKey(request: request)
        )
        guard let insert = inserted.first, !insert.isLocked, let stored = found.first else {
            throw .keyInUse
        }
        return insert.isNew ? .done(stored) : try replay(stored)
    }

    /// What was answered under the key before; nil if it is new.
    func answered(_ request: KeyedRequest) async throws(StripeError) -> Outcome? {
        guard let stored = try await database.one(SelectKey(request: request)) else { return nil }
        return try replay(stored)
    }

    /// Does something once per key, in one transaction with its answer.
    ///
    /// What `effect` throws is answered and undone, and the key stays free.
    func once(
        _ request: KeyedRequest,
        _ effect: (Transaction<StripeError>) async throws(StripeError) -> StoredAnswer
    ) async throws(StripeError) -> Outcome {
        try await database.transaction { tx throws(StripeError) in
            guard try await tx.one(LockKey(key: request.key)) == true else { throw .keyInUse }
            if let stored = try await tx.one(SelectKey(request: request)) {
                return try replay(stored)
            }
            let answer = try await effect(tx)
            try await tx.run(InsertKey(request: request, answer: answer))
            return .done(answer)
        }
    }

    private func replay(_ stored: StoredAnswer) throws(StripeError) -> Outcome {
        guard stored.isSameRequest else { throw .keyReused }
        return .replayed(stored)
    }
}

/// A database that does not answer is a fault of ours, of which Stripe says `api_error`; the effect may
/// have happened, and the key tells when it is asked again.
extension StripeError: DatabaseFailure {
    init(_ error: DatabaseError) {
        self = .storeUnavailable
    }
}
