public import Postgres

/// What became of asking a participant to do something.
public enum StepOutcome: Sendable {
    /// Done, durably; asked again it would answer the same.
    case done
    /// Refused for good; asked again it would refuse again.
    case refused(Refusal)
    /// No answer, or one that settles nothing: it may have happened, or may happen yet.
    case unknown(String)
}

/// What became of asking a participant to undo something.
public enum UndoOutcome: Sendable {
    /// Undone, or never to happen: a late request to do it will be refused.
    case done
    /// Not yet; it will be asked again for as long as it takes.
    case unknown(String)
}

/// A step that can be undone.
public struct Step<Context: Sendable>: Sendable {
    let name: String
    let timeout: Duration
    let execute: @Sendable (Context) async -> StepOutcome
    let undo: @Sendable (Context) async -> UndoOutcome

    /// Names a step and how to undo it.
    ///
    /// Both must be idempotent, and an undo must win over an execute that arrives after it.
    ///
    /// - Parameter timeout: for one try; the next one starts after a pause.
    public init(
        _ name: String,
        timeout: Duration = .seconds(5),
        do execute: @escaping @Sendable (Context) async -> StepOutcome,
        undo: @escaping @Sendable (Context) async -> UndoOutcome
    ) {
        self.name = name
        self.timeout = timeout
        self.execute = execute
        self.undo = undo
    }
}

/// The commit after which nothing is undone any more.
public struct Pivot<Context: Sendable>: Sendable {
    let name: String
    let commit: @Sendable (Context, SagaCommit) async throws(DatabaseError) -> Void

    /// Names the pivot; `commit` passes the statements that must hold together to its second argument.
    public init(
        _ name: String,
        commit: @escaping @Sendable (Context, SagaCommit) async throws(DatabaseError) -> Void
    ) {
        self.name = name
        self.commit = commit
    }
}

/// A pivot that was committed when the saga began, by the transaction that starts it: such a saga has
/// nothing to undo.
public struct Decision: Sendable {
    let name: String

    /// Names the decision; only the first line of a saga can be one.
    public init(_ name: String) {
        self.name = name
    }
}

/// A step after the pivot: it is retried until it succeeds.
public struct Retry<Context: Sendable>: Sendable {
    let name: String
    let timeout: Duration
    let execute: @Sendable (Context) async -> UndoOutcome

    /// Names a step that cannot fail for good.
    ///
    /// It must be idempotent.
    public init(
        _ name: String,
        timeout: Duration = .seconds(5),
        do execute: @escaping @Sendable (Context) async -> UndoOutcome
    ) {
        self.name = name
        self.timeout = timeout
        self.execute = execute
    }
}

/// A saga as a list that a product manager can check: undoable steps, one pivot, then steps that
/// are retried until they succeed.
///
/// An undoable step after the pivot does not compile; the compiler says what to write instead.
public struct Saga<Context: Sendable>: Sendable {
    /// A commit that changes a saga's course.
    public typealias Commit = @Sendable (Context, SagaCommit) async throws(DatabaseError) -> Void
    /// The commit that gives a saga up.
    public typealias Rejection =
        @Sendable (Context, Refusal, SagaCommit) async throws(DatabaseError) -> Void

    /// What it is called in its rows, logs and metrics.
    public let name: String
    let versions: ClosedRange<Int32>
    let deadline: Duration
    /// What its start commits, when that is its pivot.
    let decision: Decision?
    let plan: SagaPlan<Context>
    let reject: Rejection
    let finished: Commit

    /// Puts a saga together.
    ///
    /// - Parameters:
    ///   - versions: which versions of the saga these steps can end; new ones are the last. Whoever
    ///     changes what a saga does counts up, and keeps the versions that may still be in flight:
    ///     processes that do not know a version leave its sagas to those that do.
    ///   - deadline: sagas that have not reached the pivot by then are compensated.
    ///   - reject: what is committed with the decision to undo. From then on the saga's fate is known,
    ///     though its steps are still being undone.
    ///   - finished: what is committed after the last finishing step, if there are such steps.
    public init(
        _ name: String,
        versions: ClosedRange<Int32> = 1...1,
        deadline: Duration,
        reject: @escaping Rejection,
        finished: @escaping Commit = { _, commit throws(DatabaseError) in try await commit() },
        @SagaBuilder<Context> _ plan: () -> SagaPlan<Context>
    ) {
        self.name = name
        self.versions = versions
        self.deadline = deadline
        self.reject = reject
        self.finished = finished
        self.decision = nil
        self.plan = plan()
    }

    /// Puts a saga together that is decided when it begins: it only goes forward, so it needs neither
    /// a deadline nor a way to be given up.
    ///
    /// - Parameters:
    ///   - versions: as for every saga.
    ///   - finished: what is committed after the last step.
    public init(
        _ name: String,
        versions: ClosedRange<Int32> = 1...1,
        finished: @escaping Commit,
        @SagaBuilder<Context> _ plan: () -> DecidedPlan<Context>
    ) {
        self.name = name
        self.versions = versions
        self.deadline = .zero
        self.reject = { _, _, commit throws(DatabaseError) in try await commit() }
        self.finished = finished
        let decided = plan()
        self.decision = decided.decision
        self.plan = SagaPlan(steps: [], pivot: nil, finishing: decided.finishing)
    }

    var shape: SagaMachine.Shape {
        SagaMachine.Shape(steps: plan.steps.count, finishing: plan.finishing.count)
    }

    /// Where a new saga begins: behind the pivot, if its start commits it.
    var firstPhase: SagaMachine.Phase { decision == nil ? .running : .finishing }
}

/// The steps of a saga in their order.
public struct SagaPlan<Context: Sendable>: Sendable {
    let steps: [Step<Context>]
    /// Nil when the saga's start commits it.
    let pivot: Pivot<Context>?
    let finishing: [Retry<Context>]
}

/// The steps of a saga that is decided when it begins.
public struct DecidedPlan<Context: Sendable>: Sendable {
    let decision: Decision
    let finishing: [Retry<Context>]
}
