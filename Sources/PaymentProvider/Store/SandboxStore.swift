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
    /// Intents that are created at the same time share a commit.
    private let creations: Batcher<IntentCreation, String, IntentClaim>

    init(database: Store<StripeError>) {
        self.database = database
        let inner = database.database
        creations = Batcher(inner) { creations throws(DatabaseError) in
            // A row for each; what has none is as good as locked: ask again.
            var claims = creations.map { _ in IntentClaim.locked }
            for row in try await inner.all(InsertIntents(creations: creations))
            where claims.indices.contains(row.index) {
                claims[row.index] = row.claim
            }
            return claims
        }
    }

    /// Creates an intent as planned, with its key and its answer, unless the key was used.
    func create(
        _ plan: IntentPlan,
        answer: StoredAnswer,
        for request: KeyedRequest
    ) async throws(StripeError) -> Outcome {
        let creation = IntentCreation(request: request, answer: answer, plan: plan)
        let claim: IntentClaim
        do throws(DatabaseError) {
            claim = try await creations.submit(creation, key: request.key)
        } catch {
            throw StripeError(error)
        }
        switch claim {
        case .created: return .done(answer)
        case .locked: throw .keyInUse
        case .usedBefore:
            guard let before = try await answered(request) else { throw .keyInUse }
            return before
        }
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
