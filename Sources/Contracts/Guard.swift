/// Something that keeps a distributed system right, and that can be left out to see what happens then.
///
/// The names are those of the variable `ABLATE`, which a process takes only together with `FAULTS=on`.
public enum Guard: String, Sendable, CaseIterable {
    /// Calls that failed are tried again, at another instance.
    case retries
    /// Tries after the first are a share of the calls.
    case retryBudget = "retry-budget"
    /// An instance that mostly fails is left alone for a while.
    case breaker
    /// Readers of events stop at the oldest transaction that is still running.
    case feed
    /// What is asked for again is asked for under the same key.
    case idempotency
    /// A saga's driver writes only what is still its own to write.
    case fencing
}
