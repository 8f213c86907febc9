/// One thing that was tried, and what came of it.
struct Attempt: Sendable, Equatable {
    let what: String
    /// A status, a figure, or why there was none.
    let came: String
    let isAsExpected: Bool

    /// For the terminal.
    var line: String { "  \(isAsExpected ? "ok  " : "FAIL")  \(what): \(came)" }
}

extension Stage {
    /// Says what came of everything; whether all of it was as expected.
    func show(_ attempts: [Attempt]) -> Bool {
        for attempt in attempts { Terminal.say(attempt.line) }
        return attempts.allSatisfy(\.isAsExpected)
    }
}
