internal import HTTP
internal import Postgres
internal import Reactor
internal import Telemetry

/// What a replay did.
struct ReplayReport: Sendable, Codable, Equatable {
    let feed: String
    let subject: String
    /// Events that took effect now.
    let applied: Int
    /// Events that are still parked.
    let left: Int
    /// Why the first of those could not be applied; nil when the subject is free, or time ran out.
    let reason: String?
}

extension EventConsumer {
    private enum Step {
        case applied
        case none
    }

    /// Applies a subject's parked events in their order, each in a transaction that takes it out of
    /// the parked ones, and stops at the first that fails again.
    ///
    /// Killed in the middle, what was applied is no longer parked and the rest is as it was. The
    /// feed's cursor is held meanwhile, so that newer events of the subject come neither between nor
    /// before the last of these.
    func replay(_ subject: String) async throws(DatabaseError) -> ReplayReport {
        var applied = 0
        var reason: String?
        let end = Deadline.current.or(earlier: .after(.seconds(3)))
        while !end.hasPassed {
            do throws(DatabaseError) {
                guard try await replayFirst(of: subject) == .applied else { break }
                applied += 1
            } catch {
                guard ConsumerPace.isTheEvents(error) else { throw error }
                let text = "\(error)"
                reason = text
                try await database.run(
                    NoteFailedReplay(feed: feed, subject: subject, reason: text)
                )
                break
            }
        }
        let left = try await database.one(CountParkedOfSubject(feed: feed, subject: subject)) ?? 0
        log.info(
            "parked events were replayed",
            ["subject": .string(subject), "applied": .int(applied), "left": .int(left)]
        )
        return ReplayReport(
            feed: feed,
            subject: subject,
            applied: applied,
            left: left,
            reason: reason
        )
    }

    private func replayFirst(of subject: String) async throws(DatabaseError) -> Step {
        try await database.transaction {
            (tx: Transaction<DatabaseError>) async throws(DatabaseError) -> Step in
            let (_, taken) = try await tx.pipeline(
                HoldCursor(feed: feed),
                TakeFirstParked(feed: feed, subject: subject)
            )
            guard let parked = taken.first else { return .none }
            let event: CloudEvent
            do {
                event = try JSON.decode(CloudEvent.self, from: Array(parked.json.utf8))
            } catch {
                throw .decoding("parked event \(parked.id) is not a CloudEvent")
            }
            try await apply(event, tx)
            return .applied
        }
    }
}
