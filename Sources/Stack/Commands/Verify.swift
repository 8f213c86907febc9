internal import FoundationEssentials

/// `stack verify`: the conservation oracle.
struct Verify {
    let layout: Layout

    /// Prints one line per invariant; 1 when any does not hold, after waiting for at most `wait`.
    ///
    /// - Parameter history: a file of what clients saw, to be compared as well.
    func run(
        json: Bool,
        wait: Duration,
        history file: String? = nil
    ) throws(StackError) -> Int32 {
        var history: History?
        if let file { history = try History(file: file) }
        let state = try StateFile(layout: layout).require()
        guard state.server.run.isAlive else {
            throw .unavailable("PostgreSQL is not running; start it with: stack start postgres")
        }
        let oracle = Oracle(layout, state.server)
        let end = ContinuousClock.now + wait
        var findings = try judge(oracle, history)
        while findings.contains(where: { !$0.holds }), ContinuousClock.now < end {
            try Interrupts.pause(.milliseconds(250))
            findings = try judge(oracle, history)
        }
        Terminal.say(try json ? Verify.json(findings) : Verify.text(findings))
        return findings.allSatisfy(\.holds) ? 0 : 1
    }

    private func judge(
        _ oracle: Oracle,
        _ history: History?
    ) throws(StackError) -> [Oracle.Finding] {
        var findings = try oracle.judge()
        if let history { findings += try oracle.judge(history) }
        return findings
    }

    static func text(_ findings: [Oracle.Finding]) -> String {
        let rows = findings.map { [$0.holds ? "ok  " : "FAIL", $0.name, $0.figures] }
        let failed = findings.count { !$0.holds }
        let sum = failed == 0 ? "everything adds up" : "\(failed) of \(findings.count) do not hold"
        return Terminal.table(rows) + "\n" + sum
    }

    static func json(_ findings: [Oracle.Finding]) throws(StackError) -> String {
        struct Report: Encodable {
            var holds: Bool
            var invariants: [Oracle.Finding]
        }
        return try JSONText.of(Report(holds: findings.allSatisfy(\.holds), invariants: findings))
    }
}

/// JSON for scripts: one object, keys sorted.
enum JSONText {
    static func of(_ value: some Encodable) throws(StackError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .refused("cannot write JSON: \(error)")
        }
    }
}
