internal import FoundationEssentials

/// `stack verify`: the conservation oracle.
struct Verify {
    /// What is asked for beside the verdict.
    struct Options: Equatable {
        var json = false
        /// How long to wait at most for what does not hold yet.
        var wait = Duration.zero
        /// A file of what clients saw, to be compared as well.
        var history: String?
        /// A file of database addresses, for a stack that does not run on this machine.
        var databases: String?

        init() {}

        /// Reads the flags of `verify`.
        init(_ words: inout Words) throws(StackError) {
            json = words.flag("--json")
            wait = .seconds(try words.number("--wait", 0...86_400) ?? 0)
            history = try words.value("--history").map(Files.absolute)
            databases = try words.value("--databases").map(Files.absolute)
        }
    }

    let layout: Layout
    let options: Options

    /// Prints one line per invariant; 1 when any does not hold, after waiting.
    func run() throws(StackError) -> Int32 {
        var history: History?
        if let file = options.history { history = try History(file: file) }
        let oracle = try oracle()
        let end = ContinuousClock.now + options.wait
        var findings = try judge(oracle, history)
        while findings.contains(where: { !$0.holds }), ContinuousClock.now < end {
            try Interrupts.pause(.milliseconds(250))
            findings = try judge(oracle, history)
        }
        Terminal.say(try options.json ? Verify.json(findings) : Verify.text(findings))
        return findings.allSatisfy(\.holds) ? 0 : 1
    }

    private func oracle() throws(StackError) -> Oracle {
        if let file = options.databases {
            let addresses = try DatabaseAddresses(file: file)
            return Oracle(Psql(addresses, programs: try .find(major: nil)))
        }
        let state = try StateFile(layout: layout).require()
        guard state.server.run.isAlive else {
            throw .unavailable("PostgreSQL is not running; start it with: stack start postgres")
        }
        return Oracle(layout, state.server)
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
