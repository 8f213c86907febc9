internal import Postgres
internal import Telemetry

/// How a drive came out, for its span.
struct DriveReport: Sendable {
    /// Nil when the saga was left to whoever takes it up next.
    let end: SagaMachine.End?
    /// The last step without an answer, and why.
    let lastError: String?
}

extension OpenSpan {
    /// Ends the span of a drive.
    ///
    /// A refusal is no failure: the shop said no, and undid what it had to. A step without an answer is
    /// one, unless the saga reached its goal nevertheless.
    func end(drive claimed: ClaimedSaga, by replica: String, _ report: DriveReport) {
        let ending: String
        let failure: String?
        switch report.end {
        case .completed: (ending, failure) = ("completed", nil)
        case .compensated: (ending, failure) = ("compensated", report.lastError)
        case .handedOver: (ending, failure) = ("handed-over", report.lastError ?? "another driver")
        case nil: (ending, failure) = ("left", report.lastError ?? "left for later")
        }
        end(
            .words("saga", claimed.kind),
            .internal,
            .saga(id: claimed.id.text, driver: replica, end: ending),
            failure: failure
        )
    }
}

/// Puts a span around a try of a step.
func traced(
    step: String,
    _ action: String,
    _ attempt: Int,
    _ body: () async -> StepOutcome
) async -> StepOutcome {
    guard let span = TraceContext.current?.begin() else { return await body() }
    let result = await TraceContext.$current.withValue(span.context) { await body() }
    let (outcome, failure): (String, String?) =
        switch result {
        case .done: ("done", nil)
        case .refused: ("refused", nil)
        case .unknown(let reason): ("unknown", reason)
        }
    span.end(
        .words(action, step),
        .internal,
        .step(action: action, attempt: attempt, outcome: outcome),
        failure: failure
    )
    return result
}

/// Puts a span around a commit of a saga's course.
func traced(
    commit name: String,
    _ body: () async throws(DatabaseError) -> Void
) async throws(DatabaseError) {
    guard let span = TraceContext.current?.begin() else { return try await body() }
    // Task-local values do not pass typed errors on.
    let result: Result<Void, DatabaseError> =
        await TraceContext.$current.withValue(span.context) {
            do throws(DatabaseError) { return .success(try await body()) } catch {
                return .failure(error)
            }
        }
    let failure: String? = if case .failure(let error) = result { error.summary } else { nil }
    span.end(.words("commit", name), .internal, failure: failure)
    try result.get()
}
