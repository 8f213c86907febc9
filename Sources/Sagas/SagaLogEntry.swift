internal import Reactor

/// One thing that a driver did with a saga.
public struct SagaLogEntry: Sendable, Hashable, Codable {
    /// Which of the sagas with this id; nil in history from before there were several.
    public let saga: String?
    /// When it began, RFC 3339 UTC with milliseconds, by the driver's clock.
    public let at: String
    /// Which step.
    public let step: String
    /// `execute`, `undo`, `decide` or `commit`; `retry` when an operator asked for it.
    public let action: String
    /// 1 for the first try.
    public let attempt: Int
    /// `done`, `refused` or `unknown`.
    public let outcome: String
    /// How long it took.
    public let milliseconds: Double
    /// Who did it, such as `order.2`.
    public let driver: String
    /// How many times the saga had changed drivers, and 1.
    public let epoch: Int64
    /// Why it was refused or not answered.
    public let detail: String?

    /// The present time as RFC 3339 text.
    static func now() -> String {
        Timestamp.text(ProcessClock.date)
    }
}

/// Collects entries until there is a commit to write them with.
struct SagaJournal: Sendable {
    private(set) var entries: [SagaLogEntry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func note(_ entry: SagaLogEntry) { entries.append(entry) }

    mutating func clear() { entries = [] }
}
