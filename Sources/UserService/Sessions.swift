internal import Contracts
internal import HTTP
internal import Identity
internal import Messaging
internal import Postgres
internal import ServiceKit

/// Ends sessions and says so, in one transaction: gateways refuse what is left of their tokens.
struct Sessions: Sendable {
    let store: Store<Problem>
    let outbox: Outbox

    /// Ends the sessions that a statement ends.
    func end<Ending: Statement>(
        _ statement: Ending
    ) async throws(Problem) -> [EndedSession] where Ending.Output == EndedSession {
        try await end(statement, behind: nil)
    }

    /// Ends all sessions of a user, those in which a token is just being given out included.
    func endAll(of user: UserID) async throws(Problem) -> [EndedSession] {
        try await end(RevokeUserSessions(user: user), behind: LockUserSessions(user: user))
    }

    private func end<Ending: Statement>(
        _ statement: Ending,
        behind lock: LockUserSessions?
    ) async throws(Problem) -> [EndedSession] where Ending.Output == EndedSession {
        let outbox = outbox
        return try await store.transaction {
            transaction throws(Problem) -> [EndedSession] in
            if let lock { try await transaction.run(lock) }
            let ended = try await transaction.all(statement)
            guard !ended.isEmpty else { return [] }
            try await transaction.run(
                InsertEvent.merged(
                    try ended.map { session throws(Problem) in
                        try Self.event(session, outbox)
                    }
                )
            )
            return ended
        }
    }

    private static func event(
        _ session: EndedSession,
        _ outbox: Outbox
    ) throws(Problem) -> InsertEvent {
        do throws(DatabaseError) {
            return try outbox.publish(
                UserEvent.sessionEnded,
                subject: session.id.description,
                // A session ends once.
                sequence: 1,
                data: SessionEndedData(sessionID: session.id, userID: session.user)
            )
        } catch {
            throw Problem(error)
        }
    }
}
