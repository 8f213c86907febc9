/// One thing that was tried, and what came of it.
struct Finding: Sendable, Equatable {
    let what: String
    /// A status, a figure, or why there was none.
    let came: String
    let isAsExpected: Bool

    /// For the terminal.
    var line: String { "  \(isAsExpected ? "ok  " : "FAIL")  \(what): \(came)" }
}

extension Stage {
    /// Says what came of everything; whether all of it was as expected.
    func show(_ findings: [Finding]) -> Bool {
        for finding in findings { Terminal.say(finding.line) }
        return findings.allSatisfy(\.isAsExpected)
    }
}
