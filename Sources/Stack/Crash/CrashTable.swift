/// What `make crash` prints: how many points of each kind were broken, and what did not hold.
struct CrashTable {
    /// One cell's count.
    private struct Cell {
        var runs = 0
        var unreached = 0
        var gaveUp = 0
        var violated = 0

        var text: String {
            var text = violated > 0 ? "\(violated) of \(runs) FAIL" : "\(runs) ok"
            if gaveUp > 0 { text += " (\(gaveUp) timed out)" }
            if unreached > 0 { text += " (\(unreached) not reached)" }
            return text
        }
    }

    private struct Key: Hashable {
        var victim: CrashVictim
        var row: String
        var scenario: CrashScenario
    }

    private var cells: [Key: Cell] = [:]
    private(set) var failures: [(item: CrashCase, violations: [String])] = []
    private(set) var runs = 0
    private(set) var unreached = 0

    /// Counts a case.
    mutating func add(_ item: CrashCase, _ outcome: CrashRun.Outcome) {
        let row = item.again == nil ? item.fault.title : "killed again while recovering"
        var cell = cells[Key(victim: item.victim, row: row, scenario: item.scenario)] ?? Cell()
        cell.runs += 1
        runs += 1
        if !outcome.isReached {
            cell.unreached += 1
            unreached += 1
        }
        if outcome.answer == .timedOut { cell.gaveUp += 1 }
        if !outcome.violations.isEmpty {
            cell.violated += 1
            failures.append((item, outcome.violations))
        }
        cells[Key(victim: item.victim, row: row, scenario: item.scenario)] = cell
    }

    /// Processes and faults down, scenarios across.
    var text: String {
        let titles = CrashFault.allCases.map(\.title) + ["killed again while recovering"]
        var rows = [["", ""] + CrashScenario.allCases.map(\.rawValue)]
        for victim in CrashVictim.allCases {
            for title in titles {
                let row = CrashScenario.allCases.map {
                    cells[Key(victim: victim, row: title, scenario: $0)]
                }
                guard row.contains(where: { $0 != nil }) else { continue }
                rows.append([victim.rawValue, title] + row.map { $0?.text ?? "-" })
            }
        }
        return Terminal.table(rows)
    }
}
