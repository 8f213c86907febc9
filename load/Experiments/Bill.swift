/// What work costs the platform, by the counters of its processes.
struct Bill: Sendable, Equatable {
    /// What is counted.
    enum Item: String, Sendable, CaseIterable {
        case order = "calls: gateway -> order"
        case product = "calls: order -> product"
        case payment = "calls: order -> payment"
        case provider = "calls: payment -> provider"
        case database = "round trips to databases"
        case processor = "processor time, ms"
    }

    private(set) var amounts: [Item: Double] = [:]

    subscript(item: Item) -> Double { amounts[item, default: 0] }

    /// Adds what one process says of itself.
    ///
    /// - Parameter text: its `/metrics`.
    mutating func add(_ text: String, of service: String) {
        for sample in MetricsText.samples(text) {
            let upstream = sample.labels["upstream"]
            switch (sample.name, service, upstream) {
            case ("mesh_instance_tries_total", "gateway", "order"): add(.order, sample.value)
            case ("mesh_instance_tries_total", "order", "product"): add(.product, sample.value)
            case ("mesh_instance_tries_total", "order", "payment"): add(.payment, sample.value)
            case ("http_requests_total", "provider", _) where sample.labels["method"] == "POST":
                add(.provider, sample.value)
            case ("db_call_seconds_count", "order", _), ("db_call_seconds_count", "product", _),
                ("db_call_seconds_count", "payment", _):
                add(.database, sample.value)
            case ("process_cpu_seconds_total", _, _): add(.processor, sample.value * 1000)
            default: break
            }
        }
    }

    private mutating func add(_ item: Item, _ amount: Double) {
        amounts[item, default: 0] += amount
    }

    /// What was added between two looks.
    static func - (left: Bill, right: Bill) -> Bill {
        var bill = left
        for (item, amount) in right.amounts { bill.add(item, -amount) }
        return bill
    }

    /// What each of `count` pieces of work cost.
    ///
    /// - Parameters:
    ///   - seconds: how long the work took.
    ///   - idle: what a second costs without any work: pollers, health checks, feeds. It is taken off.
    func each(of count: Int, in seconds: Double, idle: Bill) -> Bill {
        map { max(0, self[$0] - idle[$0] * seconds) / Double(max(1, count)) }
    }

    /// How many orders a cost is shared by: those that were confirmed, and the few that were placed and are
    /// late.
    ///
    /// - Returns: nil when more than one in twenty was not confirmed at once: then what was counted is not
    ///   the cost of a checkout.
    static func orders(_ answers: [String: Int]) -> Int? {
        let (confirmed, all) = (answers["201", default: 0], answers.values.reduce(0, +))
        guard all > 0, confirmed * 20 >= all * 19 else { return nil }
        return confirmed + answers["202", default: 0]
    }

    /// What a second cost.
    func perSecond(_ seconds: Double) -> Bill {
        map { self[$0] / max(0.001, seconds) }
    }

    private func map(_ amount: (Item) -> Double) -> Bill {
        var bill = Bill()
        for item in Item.allCases { bill.add(item, amount(item)) }
        return bill
    }

    /// Whether together is cheaper than alone where it should be: fewer calls to product, a tenth fewer
    /// round trips to databases, and still each card charged on its own.
    static func isCheaper(together: Bill, alone: Bill) -> Bool {
        together[.product] < alone[.product] && together[.database] < alone[.database] * 0.9
            && together[.provider] >= 0.99
    }

    /// A table of several, one column each.
    static func table(_ columns: [(String, Bill)]) -> String {
        let width = 12
        let head =
            Figure.name("", 28)
            + columns.map { Figure.padded($0.0, width) }.joined()
        let rows = Item.allCases.map { item in
            Figure.name(item.rawValue, 28)
                + columns.map { Figure.padded("\(Figure.rounded($0.1[item]))", width) }.joined()
        }
        return ([head] + rows).map { "  " + $0 }.joined(separator: "\n")
    }
}
