public import FoundationEssentials
public import Postgres
public import Reactor
public import Telemetry

/// How a saga came out, as far as whoever waits for it needs to know.
public enum SagaOutcome: Sendable, Hashable {
    /// The pivot is committed.
    case completed
    /// The refusal is committed; the steps are being undone.
    case refused(Refusal)
    /// This driver does not know: another one goes on, or nobody does until the lease lapses.
    case handedOver
}

/// Drives the sagas of one kind: those started here at once, and those whose driver is gone.
public final class SagaRunner<Context: Sendable>: Sendable {
    /// Loads what a saga is about from its owner's tables; nil when there is no such thing.
    public typealias Load = @Sendable (UUID) async throws(DatabaseError) -> Context?

    let saga: Saga<Context>
    let database: Database
    let commits: GroupCommit
    /// The replica's name, as people read it.
    let replica: String
    /// The replica's name and what tells this process from one of the same name before it.
    let driver: String
    let policy: SagaPolicy
    let log: Logger
    private let tracer: Tracer?
    private let load: Load
    private let scope: TaskScope
    let metrics: SagaMetrics

    /// Makes a runner.
    ///
    /// - Parameters:
    ///   - driver: this replica's name, such as `order.2`. It must be its own: after a restart it takes
    ///     back at once what its former self was driving.
    ///   - commits: what ends sagas goes through it, so that others can share commits; nil for an own.
    ///   - tracer: keeps spans of sagas that are taken over; those that are launched have that of the
    ///     request that launches them.
    public init(
        _ saga: Saga<Context>,
        database: Database,
        driver: String,
        policy: SagaPolicy = SagaPolicy(),
        commits: GroupCommit? = nil,
        log: Logger,
        metrics: Metrics,
        tracer: Tracer? = nil,
        load: @escaping Load
    ) {
        self.saga = saga
        self.database = database
        self.commits = commits ?? GroupCommit(database)
        replica = driver
        self.driver = "\(driver)#\(UInt32.random(in: 0...(.max)))"
        self.policy = policy
        self.log = log
        self.load = load
        self.tracer = tracer
        self.metrics = SagaMetrics(metrics, saga: saga.name)
        scope = TaskScope(limit: policy.maxDriven)
    }

    /// The statement that starts a saga, for the transaction that stores what it is about.
    ///
    /// The saga belongs to the trace at hand, whoever comes to drive it.
    ///
    /// - Parameter deadline: how long it has to reach its pivot, if not as long as its kind has.
    public func start(_ id: UUID, deadline: Duration? = nil) -> StartSaga {
        StartSaga(
            id: id,
            kind: saga.name,
            version: saga.versions.upperBound,
            phase: saga.firstPhase,
            driver: driver,
            leaseMilliseconds: Int64(policy.lease.wholeMilliseconds),
            deadlineMilliseconds: Int64((deadline ?? saga.deadline).wholeMilliseconds),
            traceparent: TraceContext.current?.traceparent ?? ""
        )
    }

    /// The statement that notes who decided, for the transaction that starts a saga with a `Decision`.
    public func decided(_ id: UUID, by whom: String) -> InsertSagaLog {
        let entry = SagaLogEntry(
            saga: saga.name,
            at: SagaLogEntry.now(),
            step: saga.decision?.name ?? saga.name,
            action: "decide",
            attempt: 1,
            outcome: "done",
            milliseconds: 0,
            driver: replica,
            epoch: 1,
            detail: whom
        )
        return InsertSagaLog(id: id, epoch: 1, driver: replica, entries: [entry])
    }

    /// Drives a saga whose start was just committed, in the background.
    ///
    /// - Parameter deadline: the one it was started with.
    /// - Returns: its outcome, as soon as the pivot or the refusal is committed, or the end of a saga
    ///   that began decided. When this replica is
    ///   full the saga waits in the database for a poll, and the outcome is `handedOver` at once.
    public func launch(
        _ id: UUID,
        _ context: Context,
        deadline: Duration? = nil
    ) -> OneShot<SagaOutcome> {
        launch(id, context, .launched, deadline)
    }

    /// Drives a saga if it was started after all, in the background: for a start without an answer.
    ///
    /// It is looked for as long as its lease would last.
    ///
    /// - Parameter deadline: the one it was to be started with.
    public func launch(ifStarted id: UUID, _ context: Context, deadline: Duration? = nil) {
        _ = launch(id, context, .inDoubt, deadline)
    }

    private func launch(
        _ id: UUID,
        _ context: Context,
        _ beginning: SagaBeginning,
        _ deadline: Duration?
    ) -> OneShot<SagaOutcome> {
        let outcome = OneShot<SagaOutcome>()
        let claimed = ClaimedSaga(
            id: id,
            kind: saga.name,
            phase: saga.firstPhase,
            epoch: 1,
            attempts: 0,
            remainingMilliseconds: Int64((deadline ?? saga.deadline).wholeMilliseconds),
            refusal: nil
        )
        // The request's trace and clock travel along; its deadline must not: the saga has its own.
        let trace = TraceContext.current
        let started = scope.spawn {
            await TraceContext.$current.withValue(trace) {
                await self.drive(claimed, context, beginning, outcome)
            }
        }
        if !started { outcome.resolve(.handedOver) }
        return outcome
    }

    /// Adopts sagas until the task is cancelled, then gives back every lease.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.scope.run() }
            group.addTask { await self.poll() }
        }
        await releaseLeases()
    }

    private func poll() async {
        while !Task.isCancelled {
            await adopt()
            let jitter = Double.random(in: 0.5...1)
            try? await EventLoop.sleep(for: policy.pollInterval * jitter)
        }
    }

    /// Claims and drives what can be.
    private func adopt() async {
        let room = policy.maxDriven - scope.running
        guard room > 0 else { return }
        let claim = ClaimSagas(
            kind: saga.name,
            versions: saga.versions,
            driver: driver,
            leaseMilliseconds: Int64(policy.lease.wholeMilliseconds),
            limit: Int64(room)
        )
        do throws(DatabaseError) {
            for claimed in try await database.all(claim) {
                metrics.adopted.increment()
                log.info(
                    "saga adopted",
                    [
                        "saga": .string(saga.name), "id": .string(claimed.id.text),
                        "phase": .string(claimed.phase.rawValue), "epoch": .int(Int(claimed.epoch)),
                    ]
                )
                _ = scope.spawn { await self.resume(claimed) }
            }
        } catch {
            log.warning("cannot look for sagas", ["error": .string("\(error)")])
        }
    }

    private func resume(_ claimed: ClaimedSaga) async {
        do throws(DatabaseError) {
            guard let context = try await load(claimed.id) else {
                return await park(claimed, "there is nothing that the saga is about")
            }
            await drive(claimed, context, .adopted, OneShot())
        } catch {
            await park(claimed, "what the saga is about cannot be loaded: \(error)")
        }
    }

    /// Leaves a saga that cannot be driven for a while, longer each time, where operators see it.
    private func park(_ claimed: ClaimedSaga, _ reason: String) async {
        log.error(
            "a saga cannot be driven",
            ["saga": .string(saga.name), "id": .string(claimed.id.text), "why": .string(reason)]
        )
        metrics.parked.increment()
        let attempts = claimed.attempts + 1
        let pause = policy.pause(attempt: attempts, longest: policy.longestParking)
        // When this fails the lease lapses, and somebody tries again then.
        _ = try? await database.all(
            PostponeSaga(
                id: claimed.id,
                kind: claimed.kind,
                epoch: claimed.epoch,
                attempts: Int64(attempts),
                lastError: reason,
                leaseMilliseconds: Int64(pause.wholeMilliseconds)
            )
        )
    }

    private func drive(
        _ claimed: ClaimedSaga,
        _ context: Context,
        _ beginning: SagaBeginning,
        _ outcome: OneShot<SagaOutcome>
    ) async {
        let drive = SagaDrive(self, claimed, context, beginning, outcome)
        // Beside the request's span: a saga may well end long after its request.
        if let span = TraceContext.current?.beginApart() ?? tracer?.begin(after: claimed.cause) {
            let report = await TraceContext.$current.withValue(span.context) { await drive.run() }
            span.end(drive: claimed, by: replica, report)
        } else {
            // Nobody keeps spans here, but log lines and the participants tell the trace all the same.
            let context = TraceContext.current ?? claimed.cause?.child()
            _ = await TraceContext.$current.withValue(context) { await drive.run() }
        }
        outcome.resolve(.handedOver)
    }

    /// Runs in a task of its own because the one that calls is cancelled already, and waits for it.
    private func releaseLeases() async {
        let statement = ReleaseSagas(kind: saga.name, driver: driver)
        await Task(executorPreference: EventLoop.required) { [database, log] in
            do throws(DatabaseError) {
                try await database.run(statement)
            } catch {
                log.warning("cannot release leases", ["error": .string("\(error)")])
            }
        }.value
    }
}

extension UUID {
    /// The canonical lower-case text.
    var text: String { uuidString.lowercased() }
}
