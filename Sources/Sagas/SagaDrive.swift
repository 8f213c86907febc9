internal import FoundationEssentials
internal import Postgres
internal import Reactor
internal import Telemetry

/// How a driver came to a saga.
enum SagaBeginning: Sendable {
    /// It has just been started here, and nobody drove it before.
    case launched
    /// It may have been started here: that commit has had no answer.
    case inDoubt
    /// Somebody drove it before.
    case adopted
}

/// One drive of one saga: performs what the machine decides, until the machine says stop.
struct SagaDrive<Context: Sendable> {
    let runner: SagaRunner<Context>
    let claimed: ClaimedSaga
    let context: Context
    let outcome: OneShot<SagaOutcome>
    private let beginning: SagaBeginning

    init(
        _ runner: SagaRunner<Context>,
        _ claimed: ClaimedSaga,
        _ context: Context,
        _ beginning: SagaBeginning,
        _ outcome: OneShot<SagaOutcome>
    ) {
        self.runner = runner
        self.claimed = claimed
        self.context = context
        self.outcome = outcome
        self.beginning = beginning
    }

    /// What changes during a drive.
    struct State {
        var machine: SagaMachine
        var journal = SagaJournal()
        var epoch: Int64
        var leasedUntil: Deadline
        /// When the saga's time is up.
        ///
        /// The row's word counts: whoever is in doubt whether its start was committed may find one that
        /// was started again since, with another time.
        var deadline: Deadline
        var lastError: String?
        /// What the row says of earlier drives' tries in this phase.
        var earlierAttempts: Int

        var report: DriveReport { DriveReport(end: nil, lastError: lastError) }
    }

    /// Drives the saga for as long as this driver may; says how it came out.
    func run() async -> DriveReport {
        let shape = runner.saga.shape
        let machine =
            switch beginning {
            case .launched: SagaMachine(shape, in: claimed.phase, isFresh: true)
            case .adopted: SagaMachine(shape, in: claimed.phase, isFresh: false)
            case .inDoubt: SagaMachine(inDoubt: shape)
            }
        var state = State(
            machine: machine,
            epoch: claimed.epoch,
            leasedUntil: .after(runner.policy.lease),
            deadline: .after(.milliseconds(max(0, claimed.remainingMilliseconds))),
            earlierAttempts: claimed.attempts
        )
        while true {
            let event: SagaMachine.Event
            switch state.machine.action {
            case .stop(let end):
                runner.metrics.note(end)
                return DriveReport(end: end, lastError: state.lastError)
            case .pause(let attempt):
                guard await pause(attempt, &state) else { return state.report }
                _ = state.machine.resume(deadlinePassed: state.deadline.hasPassed)
                continue
            case .reclaim(let attempt):
                event = await reclaim(attempt, &state)
            case let action:
                guard await holdsLease(&state) else { return state.report }
                event = await perform(action, attempt: state.machine.attempts + 1, &state)
            }
            if Task.isCancelled, event == .unknown { return state.report }
            _ = state.machine.handle(event, deadlinePassed: state.deadline.hasPassed)
            if let fate = state.machine.fate { outcome.resolve(fate) }
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
            let limit = Deadline.after(step.timeout).or(earlier: state.deadline)
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
            return await commit("finished", .finishing, to: nil, nil, &state) {
                commit throws(DatabaseError) in try await runner.saga.finished(context, commit)
            }
        case .pause, .reclaim, .stop: return .done
        }
    }

    // MARK: Waiting

    /// Waits before the next try; false when the saga is left to others.
    private func pause(_ attempt: Int, _ state: inout State) async -> Bool {
        let policy = runner.policy
        let total = attempt + state.earlierAttempts
        if state.machine.phase == .running {
            guard await keepsLease(total, &state) else { return false }
            let pause = policy.pause(attempt: attempt, longest: policy.longestPause)
            let end = Deadline.after(pause * Double.random(in: 0.5...1))
                .or(earlier: state.deadline)
            return (try? await EventLoop.sleep(until: end)) != nil
        }
        // No deadline runs: the row itself waits, and whoever is free then takes it up.
        let parking = policy.pause(attempt: total, longest: policy.longestParking)
        _ = await postpone(total, lease: parking, &state)
        runner.metrics.parked.increment()
        return false
    }

    /// Writes down the tries so far and moves the lease; nil when the database cannot be asked, false
    /// when another driver has the saga.
    private func postpone(_ attempts: Int, lease: Duration, _ state: inout State) async -> Bool? {
        let statement = PostponeSaga(
            id: claimed.id,
            kind: claimed.kind,
            epoch: state.epoch,
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
                    logStatement(state)
                )
                state.journal.clear()
            }
            state.leasedUntil = .after(lease)
            return !moved.isEmpty || !runner.policy.isFenced
        } catch {
            return nil
        }
    }

    /// Renews a lease that would not outlast the next step.
    private func holdsLease(_ state: inout State) async -> Bool {
        let needed = Deadline.after(runner.policy.lease * 0.7)
        if state.leasedUntil > needed || state.leasedUntil == .never { return true }
        return await keepsLease(state.earlierAttempts, &state)
    }

    /// Renews the lease; while the database cannot be asked, what is left of the old one must do.
    private func keepsLease(_ attempts: Int, _ state: inout State) async -> Bool {
        await postpone(attempts, lease: runner.policy.lease, &state)
            ?? !state.leasedUntil.hasPassed
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
        state.journal.note(
            entry(step, action, attempt, outcome, detail, start, at, epoch: state.epoch)
        )
        runner.metrics.steps.with(step, action, outcome).increment()
        return event
    }

    func entry(
        _ step: String,
        _ action: String,
        _ attempt: Int,
        _ outcome: String,
        _ detail: String?,
        _ start: Deadline,
        _ at: String = SagaLogEntry.now(),
        epoch: Int64
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
            epoch: epoch,
            detail: detail
        )
    }

    func logStatement(_ state: State) -> InsertSagaLog {
        InsertSagaLog(
            id: claimed.id,
            epoch: state.epoch,
            driver: runner.replica,
            entries: state.journal.entries
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
