/// Accepts `Step* Pivot Retry*` or `Decision Retry*`, and says what is wrong with anything else.
@resultBuilder
public enum SagaBuilder<Context: Sendable> {
    /// Steps so far, no pivot yet.
    public struct Undecided: Sendable {
        let steps: [Step<Context>]
    }

    /// A saga may begin with a step that can be undone.
    public static func buildPartialBlock(first: Step<Context>) -> Undecided {
        Undecided(steps: [first])
    }

    /// A saga may begin with its pivot.
    public static func buildPartialBlock(first: Pivot<Context>) -> SagaPlan<Context> {
        SagaPlan(steps: [], pivot: first, finishing: [])
    }

    /// A saga may begin decided.
    public static func buildPartialBlock(first: Decision) -> DecidedPlan<Context> {
        DecidedPlan(decision: first, finishing: [])
    }

    /// Another step before the pivot.
    public static func buildPartialBlock(
        accumulated: Undecided,
        next: Step<Context>
    ) -> Undecided {
        Undecided(steps: accumulated.steps + [next])
    }

    /// The pivot ends the steps that can be undone.
    public static func buildPartialBlock(
        accumulated: Undecided,
        next: Pivot<Context>
    ) -> SagaPlan<Context> {
        SagaPlan(steps: accumulated.steps, pivot: next, finishing: [])
    }

    /// After the pivot only steps that are retried until they succeed.
    public static func buildPartialBlock(
        accumulated: SagaPlan<Context>,
        next: Retry<Context>
    ) -> SagaPlan<Context> {
        SagaPlan(
            steps: accumulated.steps,
            pivot: accumulated.pivot,
            finishing: accumulated.finishing + [next]
        )
    }

    /// After the decision only steps that are retried until they succeed.
    public static func buildPartialBlock(
        accumulated: DecidedPlan<Context>,
        next: Retry<Context>
    ) -> DecidedPlan<Context> {
        DecidedPlan(
            decision: accumulated.decision,
            finishing: accumulated.finishing + [next]
        )
    }
}

// What makes no saga: these exist for their messages.
extension SagaBuilder {
    /// After the pivot nothing is undone.
    @available(*, unavailable, message: "nothing is undone after the pivot: make this a Retry")
    public static func buildPartialBlock(
        accumulated: SagaPlan<Context>,
        next: Step<Context>
    ) -> SagaPlan<Context> { accumulated }

    /// After the decision nothing is undone.
    @available(*, unavailable, message: "nothing is undone after the decision: make this a Retry")
    public static func buildPartialBlock(
        accumulated: DecidedPlan<Context>,
        next: Step<Context>
    ) -> DecidedPlan<Context> { accumulated }

    /// There is one pivot.
    @available(*, unavailable, message: "a saga is decided once: it has one pivot")
    public static func buildPartialBlock(
        accumulated: SagaPlan<Context>,
        next: Pivot<Context>
    ) -> SagaPlan<Context> { accumulated }

    /// A decision is a pivot already.
    @available(*, unavailable, message: "a saga is decided once: its Decision is its pivot")
    public static func buildPartialBlock(
        accumulated: DecidedPlan<Context>,
        next: Pivot<Context>
    ) -> DecidedPlan<Context> { accumulated }

    /// A step before the pivot can be undone.
    @available(*, unavailable, message: "before the pivot a step can be undone: make this a Step")
    public static func buildPartialBlock(
        accumulated: Undecided,
        next: Retry<Context>
    ) -> Undecided { accumulated }

    /// A saga without a pivot never ends.
    @available(*, unavailable, message: "a saga needs a Pivot after its last Step")
    public static func buildFinalResult(_ steps: Undecided) -> SagaPlan<Context> {
        SagaPlan(steps: steps.steps, pivot: nil, finishing: [])
    }

    /// A whole saga.
    public static func buildFinalResult(_ plan: SagaPlan<Context>) -> SagaPlan<Context> { plan }

    /// A whole saga that is decided when it begins.
    public static func buildFinalResult(_ plan: DecidedPlan<Context>) -> DecidedPlan<Context> {
        plan
    }
}
