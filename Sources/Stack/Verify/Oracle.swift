/// Reads every database and judges the invariants: it trusts no service's word.
struct Oracle {
    let psql: Psql
    let invariants: [Invariant]

    init(_ psql: Psql, invariants: [Invariant] = Invariant.all) {
        self.psql = psql
        self.invariants = invariants
    }

    /// For a stack on this machine.
    init(_ layout: Layout, _ server: StackState.Server, invariants: [Invariant] = Invariant.all) {
        self.init(Psql(layout, server), invariants: invariants)
    }

    /// One invariant with its verdict.
    struct Finding: Equatable, Encodable {
        var name: String
        var holds: Bool
        var figures: String
    }

    /// Asks every database, each in one snapshot, and compares.
    func judge() throws(StackError) -> [Finding] {
        let answers = try ask()
        return invariants.enumerated().map { index, invariant in
            Oracle.finding(invariant, index, answers)
        }
    }

    /// What the databases say to each invariant, not judged.
    func evidence() throws(StackError) -> [Evidence] {
        let answers = try ask()
        return invariants.indices.map { Oracle.evidence(invariants[$0], $0, answers) }
    }

    private func ask() throws(StackError) -> [ServiceName: Answer] {
        var readers: [(ServiceName, Tool)] = []
        for service in ServiceName.allCases {
            let script = Oracle.script(invariants, service)
            if script.isEmpty { continue }
            readers.append((service, try psql.start(script, database: service.rawValue)))
        }
        var answers: [ServiceName: Answer] = [:]
        for (service, reader) in readers {
            let outcome = try reader.finish(within: .seconds(120))
            // psql says 2 when there is no connection; a failing statement is told apart below.
            guard outcome.status != 2 else {
                throw .unavailable(
                    "database \(service.rawValue) cannot be read: \(outcome.complaint)"
                )
            }
            answers[service] = Answer(
                sections: Oracle.sections(outcome.output),
                complaint: outcome.complaint
            )
        }
        return answers
    }

    /// What one database said: the lines of each section, by the invariant's index.
    struct Answer {
        var sections: [Int: [Substring]]
        var complaint: String
    }

    /// All statements for one database, in one snapshot; one that fails does not spoil the others.
    static func script(_ invariants: [Invariant], _ service: ServiceName) -> String {
        let sections = invariants.enumerated().compactMap { index, invariant in
            invariant.reads[service].map { "\\echo @@\(index)\n\($0);\n" }
        }
        guard !sections.isEmpty else { return "" }
        return "\\set ON_ERROR_ROLLBACK on\nBEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
            + sections.joined() + "COMMIT;\n"
    }

    /// Splits psql's output at the marks that the script echoes.
    static func sections(_ output: String) -> [Int: [Substring]] {
        var sections: [Int: [Substring]] = [:]
        var current = -1
        for line in output.split(separator: "\n") {
            if line.hasPrefix("@@") {
                current = Int(line.dropFirst(2)) ?? -1
            } else {
                sections[current, default: []].append(line)
            }
        }
        return sections
    }

    /// Judges one invariant; what could not be read does not hold.
    static func finding(
        _ invariant: Invariant,
        _ index: Int,
        _ answers: [ServiceName: Answer]
    ) -> Finding {
        let evidence = evidence(invariant, index, answers)
        for service in invariant.reads.keys.sorted() where evidence.tables[service] == nil {
            let why = answers[service]?.complaint ?? "no answer"
            return Finding(
                name: invariant.name,
                holds: false,
                figures: "\(service.rawValue) cannot be read: \(why)"
            )
        }
        let verdict = invariant.holds(evidence)
        return Finding(name: invariant.name, holds: verdict.holds, figures: verdict.figures)
    }

    private static func evidence(
        _ invariant: Invariant,
        _ index: Int,
        _ answers: [ServiceName: Answer]
    ) -> Evidence {
        var evidence = Evidence(tables: [:])
        for service in invariant.reads.keys {
            let lines = answers[service]?.sections[index] ?? []
            evidence.tables[service] = CSVTable(lines: lines)
        }
        return evidence
    }
}
