internal import Witness

/// An order as the database has it.
struct StoredOrder: Equatable {
    var id: String
    var ask: Ask
    var status: String
}

/// Compares what clients saw with what the database has, to tell whether the shop kept its word.
///
/// It knows what the answers promise and nothing of how the services keep it.
struct HistoryJudge {
    let lines: [HistoryLine]
    private let byID: [String: StoredOrder]
    private let byAsk: [Ask: [StoredOrder]]
    private let asks: [Ask: [HistoryLine]]

    init(_ history: History, _ orders: [StoredOrder]) {
        lines = history.lines
        byID = Dictionary(orders.map { ($0.id, $0) }) { first, _ in first }
        byAsk = Dictionary(grouping: orders, by: \.ask)
        asks = Dictionary(grouping: history.lines, by: \.ask)
    }

    /// Every rule with its verdict, in the form of the other invariants.
    var findings: [Oracle.Finding] {
        [
            finding(
                "seen: an acknowledged order exists",
                missing,
                of: acknowledged.count,
                "orders"
            ),
            finding("seen: an order is what was answered", broken, of: lines.count, "answers"),
            finding("seen: one key, one order", doubled, of: asks.count, "keys"),
            finding("seen: one key, one last answer", contradicted, of: asks.count, "keys"),
            finding("seen: a status never goes backwards", backwards, of: lines.count, "answers"),
            finding("seen: no order that nobody asked for", unasked, of: byID.count, "orders"),
        ]
    }

    private func finding(
        _ name: String,
        _ wrong: [String],
        of total: Int,
        _ what: String
    ) -> Oracle.Finding {
        let example = wrong.min().map { ", such as \($0)" } ?? ""
        return Oracle.Finding(
            name: name,
            holds: wrong.isEmpty,
            figures: "\(wrong.count) of \(total) \(what) off\(example)"
        )
    }

    // MARK: The rules

    private var acknowledged: [HistoryLine] {
        lines.filter { $0.kind == .checkout && $0.outcome == .ok }
    }

    /// Orders that a client was told of and that are not there, or are another customer's.
    var missing: [String] {
        acknowledged.compactMap { line in
            guard let id = line.order else { return "an order without id" }
            return byID[id]?.ask == line.ask ? nil : id
        }
    }

    /// What each answer promises: 201 that the order is confirmed, whatever is done about it later; 202
    /// that it comes to an end; a refusal that it comes to nothing; a cancellation that it is cancelled.
    var broken: [String] {
        lines.compactMap { line in
            let order = line.order.flatMap { byID[$0] }
            switch (line.kind, line.outcome) {
            case (.checkout, .ok):
                guard let order else { return nil }
                let allowed: Set<String> =
                    line.status == 201
                    ? ["confirmed", "cancelling", "cancelled"]
                    : ["confirmed", "rejected", "cancelled"]
                return allowed.contains(order.status)
                    ? nil : "\(order.id) is \(order.status) after \(line.status ?? 0)"
            case (.checkout, .fail): return brokenRefusal(line, order)
            case (.cancel, .ok):
                let status = order?.status ?? "missing"
                return status == "cancelled"
                    ? nil : "\(line.order ?? "") is \(status), not cancelled"
            default: return nil
            }
        }
    }

    /// A refusal names the order it is about; without a name nothing was stored, unless the key was
    /// given another answer as well.
    private func brokenRefusal(_ line: HistoryLine, _ order: StoredOrder?) -> String? {
        if line.order != nil {
            guard let order else { return nil }
            return order.status == "rejected"
                ? nil : "\(order.id) is \(order.status) after \(line.status ?? 0)"
        }
        let others = asks[line.ask, default: []].contains {
            $0.kind == .checkout && ($0.outcome != .fail || $0.order != nil)
        }
        guard !others, let stored = byAsk[line.ask]?.first else { return nil }
        return "\(stored.id) was stored after \(line.status ?? 0)"
    }

    /// Keys that led to several orders, in the answers or in the database.
    var doubled: [String] {
        asks.compactMap { ask, lines in
            var ids = Set(lines.compactMap(\.order))
            let stored = byAsk[ask, default: []]
            ids.formUnion(stored.map(\.id))
            return ids.count > 1 || stored.count > 1 ? "key \(ask.key)" : nil
        }
    }

    /// Keys whose last word was said twice and differently.
    var contradicted: [String] {
        asks.compactMap { ask, lines in
            let words = Set(lines.filter(\.isFinal).map { "\($0.status ?? 0) \($0.digest ?? 0)" })
            return words.count > 1 ? "key \(ask.key)" : nil
        }
    }

    /// Orders that were seen in a state that lies before, or beside, one that an earlier answer told;
    /// an order that is not found any more counts as well.
    var backwards: [String] {
        let seen = lines.filter { $0.order != nil && ($0.state != nil || $0.isFinding404) }
        return Dictionary(grouping: seen) { $0.order ?? "" }.compactMap { id, lines in
            Self.goesBackwards(lines) ? id : nil
        }
    }

    /// Whether any answer contradicts one that had ended before it was asked for.
    static func goesBackwards(_ lines: [HistoryLine]) -> Bool {
        let starts = lines.sorted { $0.start < $1.start }
        var ended = lines.sorted { $0.end < $1.end }[...]
        var known: Set<String> = []
        for line in starts {
            while let first = ended.first, first.end < line.start {
                if let state = first.state { known.insert(state) }
                ended.removeFirst()
            }
            let state = line.state ?? "missing"
            if known.contains(where: { !canFollow($0, state) }) { return true }
        }
        return false
    }

    /// Whether an order that was in one state may be seen in another one later.
    ///
    /// `saved` may follow anything: with the database out of reach, whoever repeats a key is told that
    /// the request is kept, and nobody can know what became of the first one (decision 9).
    static func canFollow(_ earlier: String, _ later: String) -> Bool {
        let next: [String: Set<String>] = [
            "saved": ["pending", "confirmed", "rejected", "cancelling", "cancelled"],
            "pending": ["confirmed", "rejected", "cancelling", "cancelled"],
            "confirmed": ["cancelling", "cancelled"],
            "cancelling": ["cancelled"],
        ]
        return earlier == later || later == "saved" || next[earlier, default: []].contains(later)
    }

    /// Orders of these customers under keys that they never used.
    var unasked: [String] {
        byID.values.filter { asks[$0.ask] == nil }.map(\.id)
    }
}

extension HistoryLine {
    /// Whether an order was said not to exist.
    fileprivate var isFinding404: Bool { kind == .read && status == 404 }
}
