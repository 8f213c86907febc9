/// The numbers that sagas live by.
public struct SagaPolicy: Sendable {
    /// How long a driver owns a saga without renewing; longer than any one step.
    public var lease: Duration = .seconds(8)
    /// How often a replica looks for sagas whose lease has lapsed.
    public var pollInterval: Duration = .milliseconds(500)
    /// How many sagas one replica drives at a time; the others wait in the database.
    public var maxDriven = 1024
    /// The first pause after a step without an answer; each further one is twice as long.
    public var firstPause: Duration = .milliseconds(50)
    /// The longest pause while the deadline still runs.
    public var longestPause: Duration = .seconds(1)
    /// The longest pause between tries to undo or to finish.
    public var longestParking: Duration = .seconds(5)
    /// Whether a driver's writes count only while the saga is its own; false where that is left out on
    /// purpose.
    public var isFenced = true

    /// The defaults.
    public init() {}

    /// The pause after `attempt` tries without an answer, before jitter.
    func pause(attempt: Int, longest: Duration) -> Duration {
        let doublings = min(max(attempt, 1) - 1, 16)
        return min(firstPause * (1 << doublings), longest)
    }
}
