internal import FoundationEssentials
internal import Postgres
internal import Reactor
internal import Telemetry

extension SagaDrive {
    func commitPivot(_ state: inout State) async -> SagaMachine.Event {
        // A saga without one begins behind it, so its machine never asks for it.
        guard let pivot = runner.saga.plan.pivot else { return .unknown }
        let next: SagaMachine.Phase? = runner.saga.plan.finishing.isEmpty ? nil : .finishing
        return await commit(pivot.name, .running, to: next, nil, &state) {
            commit throws(DatabaseError) in try await pivot.commit(context, commit)
        }
    }

    func commitRefusal(
        _ refusal: Refusal,
        _ state: inout State
    ) async -> SagaMachine.Event {
        await commit("give up", .running, to: .compensating, refusal, &state) {
            commit throws(DatabaseError) in
            try await runner.saga.reject(context, refusal, commit)
        }
    }

    /// Commits behind the fence, with the history so far.
    func commit(
        _ name: String,
        _ from: SagaMachine.Phase,
        to next: SagaMachine.Phase?,
        _ refusal: Refusal?,
        _ state: inout State,
        _ body: (SagaCommit) async throws(DatabaseError) -> Void
    ) async -> SagaMachine.Event {
        let fence = fence(from, to: next, refusal, epoch: state.epoch)
        let action = refusal == nil ? "commit" : "decide"
        let earlier = state.journal
        state.journal.note(
            entry(name, action, 1, "done", refusal?.reason, .now, epoch: state.epoch)
        )
        let log = logStatement(state)
        let course = SagaCommit(commits: runner.commits, fence: fence, log: log)
        do throws(DatabaseError) {
            try await traced(commit: name) { () async throws(DatabaseError) in
                try await body(course)
            }
            state.journal.clear()
            state.leasedUntil = .after(runner.policy.lease)
            // The row's count begins anew with each phase.
            state.earlierAttempts = 0
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
            state.lastError = "\(name): \(error)"
            state.journal = earlier
            state.journal.note(
                entry(name, action, 1, "unknown", "\(error)", .now, epoch: state.epoch)
            )
            return .unknown
        }
    }

    private func fence(
        _ from: SagaMachine.Phase,
        to next: SagaMachine.Phase?,
        _ refusal: Refusal?,
        epoch: Int64
    ) -> any Statement {
        let lease = Int64(runner.policy.lease.wholeMilliseconds)
        guard runner.policy.isFenced else {
            return MoveUnfenced(
                id: claimed.id,
                kind: claimed.kind,
                to: next,
                refusal: refusal,
                leaseMilliseconds: lease
            )
        }
        guard let next else {
            return EndSaga(id: claimed.id, kind: claimed.kind, epoch: epoch, phase: from)
        }
        return MoveSaga(
            id: claimed.id,
            kind: claimed.kind,
            epoch: epoch,
            from: from,
            to: next,
            refusal: refusal,
            leaseMilliseconds: lease
        )
    }

    // MARK: Commits without an answer

    /// Claims the saga again under a new epoch, and learns from its row what became of the last commit.
    ///
    /// It is asked for as long as the lease lasts: from then on the saga is anybody's, and whoever looks
    /// for such sagas finds it.
    func reclaim(_ attempt: Int, _ state: inout State) async -> SagaMachine.Event {
        let policy = runner.policy
        let pause = policy.pause(attempt: attempt, longest: policy.longestPause)
        do {
            try await EventLoop.sleep(for: pause * Double.random(in: 0.5...1))
        } catch {
            return .unknown
        }
        guard !state.leasedUntil.hasPassed else { return .fenced }
        let claim = ReclaimSaga(
            id: claimed.id,
            kind: claimed.kind,
            driver: runner.driver,
            attempts: Int64(attempt + state.earlierAttempts),
            lastError: state.lastError,
            leaseMilliseconds: Int64(policy.lease.wholeMilliseconds)
        )
        let found: (reclaimed: [ReclaimedSaga], lastEpochs: [Int64?])
        do throws(DatabaseError) {
            found = try await runner.database.pipeline(
                claim,
                FindLastEpoch(id: claimed.id, kind: claimed.kind)
            )
        } catch {
            return .unknown
        }
        if let reclaimed = found.reclaimed.first { return take(reclaimed, &state) }
        // A start that is nowhere to be seen may still be on its way.
        guard state.machine.inDoubt != nil else { return .unknown }
        let lastEpoch = found.lastEpochs.first ?? nil
        return lastEpoch.map { $0 <= state.epoch } == true ? .done : .fenced
    }

    private func take(_ reclaimed: ReclaimedSaga, _ state: inout State) -> SagaMachine.Event {
        // The commit that moved the saga has written what was done until then.
        if reclaimed.phase != state.machine.phase {
            state.journal.clear()
            state.earlierAttempts = 0
        }
        state.epoch = reclaimed.epoch
        state.deadline = .after(.milliseconds(max(0, reclaimed.remainingMilliseconds)))
        state.leasedUntil = .after(runner.policy.lease)
        runner.metrics.reclaimed.increment()
        runner.log.info(
            "saga reclaimed",
            [
                "saga": .string(claimed.kind), "id": .string(claimed.id.text),
                "phase": .string(reclaimed.phase.rawValue), "epoch": .int(Int(reclaimed.epoch)),
            ]
        )
        return .reclaimed(reclaimed.phase)
    }
}
