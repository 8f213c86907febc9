internal import Contracts
internal import Reactor

/// What became of one stack under the load and the troubles of `load ablation`.
struct AblationRow: Sendable, Equatable {
    /// The guards that were left out.
    let missing: [Guard]
    /// Checkouts that were answered 201 at once, a second.
    let goodput: Double
    let p99: Duration
    /// The share of checkouts that were answered 5xx, or not at all, when they were first asked for.
    let unserved: Double
    /// Charges that payment was asked for, for each checkout.
    let charges: Double
    let findings: [Invariant]

    var name: String {
        missing.isEmpty ? "(nothing)" : missing.map(\.rawValue).joined(separator: "+")
    }

    /// Invariants that do not hold.
    var broken: [Invariant] { findings.filter { !$0.holds } }

    /// Orders that were charged for more than once, where the money is.
    var chargedTwice: Int { number("at the provider", "at most one capture per order") }

    /// Orders that a client was told of and that are not there.
    var ordersLost: Int {
        findings.first { $0.name == "seen: an acknowledged order exists" }
            .flatMap { $0.figures.split(separator: " ").first }.flatMap { Int($0) } ?? 0
    }

    /// Events that those who follow never saw.
    var eventsLost: Int { number("not told", "each event took effect once") }

    /// Orders that say several times, or wrongly, how they ended.
    var contradictions: Int {
        let name = "each ended order has one outcome event"
        return number("with several", name) + number("with a wrong one", name)
    }

    /// Confirmed orders without stock, and products whose pieces do not add up.
    var oversold: Int {
        number("confirmed without stock", "stock is held for confirmed orders only")
            + number("of", "deliveries = available + held")
    }

    private func number(_ words: String, _ invariant: String) -> Int {
        findings.first { $0.name == invariant }?.number(before: words) ?? 0
    }
}

/// All rows, compared with those of the stacks that had every guard.
struct AblationReport: Sendable {
    /// The first stack and the last: by how much these differ, anything may differ.
    let whole: [AblationRow]
    let ablated: [AblationRow]

    private static let head = [
        "left out", "goodput/s", "p99 ms", "unserved", "charges asked", "charged twice",
        "orders lost",
        "events lost", "contradictions", "oversold", "invariants broken",
    ]

    /// A line of names, then one for each stack.
    var table: String {
        let rows = (whole.prefix(1) + ablated + whole.dropFirst()).map { row in
            [
                row.name, "\(Figure.rounded(row.goodput))", "\(Figure.milliseconds(row.p99))",
                Self.percent(row.unserved),
                "×\(Figure.rounded(row.charges))", "\(row.chargedTwice)", "\(row.ordersLost)",
                "\(row.eventsLost)", "\(row.contradictions)", "\(row.oversold)",
                "\(row.broken.count)",
            ]
        }
        let all = [Self.head] + rows
        let widths = Self.head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { cells in
            cells.indices.map { column in
                column == 0
                    ? Figure.name(cells[column], widths[column])
                    : Figure.padded(cells[column], widths[column])
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// What each guard prevented in this run, one line or more for each.
    var effects: String {
        ablated.map { row in
            let effects = effects(of: row)
            return "without \(row.name): "
                + (effects.isEmpty
                    ? "nothing visible in this run"
                    : effects.joined(separator: "\n    "))
        }.joined(separator: "\n")
    }

    /// With every guard everything adds up, and without some it does not: else the troubles proved nothing.
    ///
    /// Retries, budget and breaker keep no promise, and what the feed keeps is seldom seen to break: where
    /// only those are left out, a figure that is off is what there is to see.
    var holds: Bool {
        let areKept = ablated.contains { !Self.keepers.isDisjoint(with: $0.missing) }
        return whole.allSatisfy(\.broken.isEmpty)
            && ablated.contains { areKept ? !$0.broken.isEmpty : !effects(of: $0).isEmpty }
    }

    /// Those without whom a promise breaks within a run.
    private static let keepers: Set<Guard> = [.idempotency, .fencing]

    private static func percent(_ share: Double) -> String { "\(Figure.rounded(share * 100))%" }

    /// Broken promises first; then figures that are off by more than a busy machine explains.
    func effects(of row: AblationRow) -> [String] {
        var effects = row.broken.filter { finding in
            !whole.contains { $0.broken.contains { $0.name == finding.name } }
        }.map { "\($0.name): \($0.figures)" }
        func note(_ what: String, _ before: String, _ after: String, _ isOff: Bool) {
            if isOff { effects.append("\(what) \(before) → \(after)") }
        }
        let goodput = whole.map(\.goodput).min() ?? 0
        let p99 = whole.map(\.p99).max() ?? .zero
        let unserved = whole.map(\.unserved).max() ?? 0
        let charges = whole.map(\.charges).max() ?? 0
        note(
            "goodput a second",
            "\(Figure.rounded(goodput))",
            "\(Figure.rounded(row.goodput))",
            row.goodput < goodput * 0.85
        )
        note(
            "p99 in ms",
            "\(Figure.milliseconds(p99))",
            "\(Figure.milliseconds(row.p99))",
            row.p99 > p99 * 1.5
        )
        note(
            "unserved at first",
            Self.percent(unserved),
            Self.percent(row.unserved),
            row.unserved > unserved + 0.03
        )
        note(
            "charges asked for each checkout",
            "×\(Figure.rounded(charges))",
            "×\(Figure.rounded(row.charges))",
            row.charges > charges * 1.25
        )
        return effects
    }
}
