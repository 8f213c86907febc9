internal import FoundationEssentials
internal import Postgres
internal import Reactor
internal import Telemetry

/// One drive of one saga: performs what the machine decides, until the machine says stop.
struct SagaDrive<Context: Sendable> {
    private let runner: SagaRunner<Context>
    private let claimed: ClaimedSaga
    private let context: Context
    private let outcome: OneShot<SagaOutcome>
    private let deadline: Deadline
    private let isFresh: Bool

    init(
        _ runner: SagaRunner<Context>,
        _ claimed: ClaimedSaga,
        _ context: Context,
        isFresh: Bool,
        _ outcome: OneShot<SagaOutcome>
    ) {
        self.runner = runner
        self.claimed = claimed
        self.context = context
        self.outcome = outcome
        self.isFresh = isFresh
        deadline = .after(.milliseconds(max(0, claimed.remainingMilliseconds)))
    }

    /// What changes during a drive.
    private struct State {
        var journal = SagaJournal()
        var leasedUntil: Deadline
        var lastError: String?
        var phase: SagaMachine.Phase
        var earlierAttempts: Int

        var report: DriveReport { DriveReport(end: nil, lastError: lastError) }
    }

    /// Drives the saga for as long as this driver may; says how it came out.
    func run() async -> DriveReport {
        var machine = SagaMachine(runner.saga.shape, in: claimed.phase, isFresh: isFresh)
        var state = State(
            leasedUntil: .after(runner.policy.lease),
            phase: claimed.phase,
            earlierAttempts: claimed.attempts
        )
        while true {
            switch machine.action {
            case .stop(let end):
                runner.metrics.note(end)
                return DriveReport(end: end, lastError: state.lastError)
            case .pause(let attempt):
                guard await pause(attempt, &state) else { return state.report }
                _ = machine.resume(deadlinePassed: deadline.hasPassed)
            default:
                guard await holdsLease(&state) else { return state.report }
                let event = await perform(machine.action, attempt: machine.attempts + 1, &state)
                if Task.isCancelled, event == .unknown { return state.report }
                _ = machine.handle(event, deadlinePassed: deadline.hasPassed)
            }
        }
    }

    // MARK: Doing

    private func perform(
        _ action: SagaMachine.Action,
        attempt: Int,
        _ state: inout State
    ) async -> SagaMachine.Event {
        let plan = runner.saga.plan
        switch action {
        case .execute(let index):
            let step = plan.steps[index]
            let limit = Deadline.after(step.timeout).or(earlier: deadline)
            return await note(step.name, "execute", attempt, &state) {
                await Deadline.$current.withValue(limit) { await step.execute(context) }
            }
        case .undo(let index):
            let step = plan.steps[index]
            return await note(step.name, "undo", attempt, &state) {
                await Deadline.$current.withValue(.after(step.timeout)) {
                    await step.undo(context).asOutcome
                }
            }
        case .finish(let index):
            let step = plan.finishing[index]
            return await note(step.name, "execute", attempt, &state) {
                await Deadline.$current.withValue(.after(step.timeout)) {
                    await step.execute(context).asOutcome
                }
            }
        case .commitPivot: return await commitPivot(&state)
        case .commitRefusal(let refusal): return await commitRefusal(refusal, &state)
        case .commitUndone:
            return await commit("undone", .compensating, to: nil, nil, &state) {
                commit throws(DatabaseError) in try await commit()
            }
        case .commitFinished:
            let event = await commit("finished", .finishing, to: nil, nil, &state) {
                commit throws(DatabaseError) in try await runner.saga.finished(context, commit)
            }
            // Whoever waits for a saga that began decided waits for this; others know already.
            if event == .done { outcome.resolve(.completed) }
            return event
        case .pause, .stop: return .done
        }
    }

    private func commitPivot(_ state: inout State) async -> SagaMachine.Event {
        // A saga without one begins behind it, so its machine never asks for it.
        guard let pivot = runner.saga.plan.pivot else { return .unknown }
        let next: SagaMachine.Phase? = runner.saga.plan.finishing.isEmpty ? nil : .finishing
        let event = await commit(pivot.name, .running, to: next, nil, &state) {
            commit throws(DatabaseError) in try await pivot.commit(context, commit)
        }
        if event == .done { outcome.resolve(.completed) }
        return event
    }

    private func commitRefusal(
        _ refusal: Refusal,
        _ state: inout State
    ) async -> SagaMachine.Event {
        let event = await commit("give up", .running, to: .compensating, refusal, &state) {
            commit throws(DatabaseError) in
            try await runner.saga.reject(context, refusal, commit)
        }
        if event == .done { outcome.resolve(.refused(refusal)) }
        return event
    }

    /// Commits behind the fence, with the history so far.
    private func commit(
        _ name: String,
        _ from: SagaMachine.Phase,
        to next: SagaMachine.Phase?,
        _ refusal: Refusal?,
        _ state: inout State,
        _ body: (SagaCommit) async throws(DatabaseError) -> Void
    ) async -> SagaMachine.Event {
        let lease = Int64(runner.policy.lease.wholeMilliseconds)
        let fence: SagaCommit.Fence =
            if let next {
                .move(
                    MoveSaga(
                        id: claimed.id,
                        kind: claimed.kind,
                        epoch: claimed.epoch,
                        from: from,
                        to: next,
                        refusal: refusal,
                        leaseMilliseconds: lease
                    )
                )
            } else {
                .end(
                    EndSaga(
                        id: claimed.id,
                        kind: claimed.kind,
                        epoch: claimed.epoch,
                        phase: from
                    )
                )
            }
        state.journal.note(
            entry(name, refusal == nil ? "commit" : "decide", 1, "done", refusal?.reason, .now)
        )
        let log = logStatement(state.journal)
        let course = SagaCommit(commits: runner.commits, fence: fence, log: log)
        do throws(DatabaseError) {
            try await traced(commit: name) { () async throws(DatabaseError) in
                try await body(course)
            }
            state.journal.clear()
            state.leasedUntil = .after(runner.policy.lease)
            if let next { state.phase = next }
            return .done
        } catch {
            if SagaCommit.isFence(error) {
                runner.log.warning("a saga has another driver", ["id": .string(claimed.id.text)])
                return .fenced
            }
            runner.log.warning(
                "a saga's commit failed",
                [
                    "id": .string(claimed.id.text), "commit": .string(name),
                    "error": .string("\(error)"),
                ]
            )
            return .unknown
        }
    }

    // MARK: Waiting

    /// Waits before the next try; false when the saga is left to others.
    private func pause(_ attempt: Int, _ state: inout State) async -> Bool {
        let policy = runner.policy
        let total = attempt + state.earlierAttempts
        if state.phase == .running {
            guard await postpone(total, lease: policy.lease, &state) else { return false }
            let pause = policy.pause(attempt: attempt, longest: policy.longestPause)
            let end = Deadline.after(pause * Double.random(in: 0.5...1)).or(earlier: deadline)
            return (try? await EventLoop.sleep(until: end)) != nil
        }
        // No deadline runs: the row itself waits, and whoever is free then takes it up.
        let parking = policy.pause(attempt: total, longest: policy.longestParking)
        _ = await postpone(total, lease: parking, &state)
        runner.metrics.parked.increment()
        return false
    }

    /// Writes down the tries so far and moves the lease; false when another driver has the saga or the
    /// database cannot be asked.
    private func postpone(_ attempts: Int, lease: Duration, _ state: inout State) async -> Bool {
        let statement = PostponeSaga(
            id: claimed.id,
            kind: claimed.kind,
            epoch: claimed.epoch,
            attempts: Int64(attempts),
            lastError: state.lastError,
            leaseMilliseconds: Int64(lease.wholeMilliseconds)
        )
        do throws(DatabaseError) {
            let moved: [Int64]
            if state.journal.isEmpty {
                moved = try await runner.database.all(statement)
            } else {
                (moved, _) = try await runner.database.pipeline(
                    statement,
                    logStatement(state.journal)
                )
                state.journal.clear()
            }
            state.leasedUntil = .after(lease)
            return !moved.isEmpty
        } catch {
            return false
        }
    }

    /// Renews a lease that would not outlast the next step.
    private func holdsLease(_ state: inout State) async -> Bool {
        let needed = Deadline.after(runner.policy.lease * 0.7)
        if state.leasedUntil > needed || state.leasedUntil == .never { return true }
        return await postpone(state.earlierAttempts, lease: runner.policy.lease, &state)
    }

    // MARK: History

    private func note(
        _ step: String,
        _ action: String,
        _ attempt: Int,
        _ state: inout State,
        _ body: () async -> StepOutcome
    ) async -> SagaMachine.Event {
        let start = Deadline.now
        let at = SagaLogEntry.now()
        let result = await traced(step: step, action, attempt, body)
        let (event, outcome, detail): (SagaMachine.Event, String, String?) =
            switch result {
            case .done: (.done, "done", nil)
            case .refused(let refusal): (.refused(refusal), "refused", refusal.reason)
            case .unknown(let reason): (.unknown, "unknown", reason)
            }
        if case .unknown(let reason) = result { state.lastError = "\(step): \(reason)" }
        state.journal.note(entry(step, action, attempt, outcome, detail, start, at))
        runner.metrics.steps.with(step, action, outcome).increment()
        return event
    }

    private func entry(
        _ step: String,
        _ action: String,
        _ attempt: Int,
        _ outcome: String,
        _ detail: String?,
        _ start: Deadline,
        _ at: String = SagaLogEntry.now()
    ) -> SagaLogEntry {
        let took = Deadline.now.nanoseconds - start.nanoseconds
        return SagaLogEntry(
            saga: claimed.kind,
            at: at,
            step: step,
            action: action,
            attempt: attempt,
            outcome: outcome,
            milliseconds: Double(took / 10_000) / 100,
            driver: runner.replica,
            epoch: claimed.epoch,
            detail: detail
        )
    }

    private func logStatement(_ journal: SagaJournal) -> InsertSagaLog {
        InsertSagaLog(
            id: claimed.id,
            epoch: claimed.epoch,
            driver: runner.replica,
            entries: journal.entries
        )
    }
}

extension UndoOutcome {
    /// An undo in the terms of a step: it cannot be refused.
    fileprivate var asOutcome: StepOutcome {
        switch self {
        case .done: .done
        case .unknown(let reason): .unknown(reason)
        }
    }
}
