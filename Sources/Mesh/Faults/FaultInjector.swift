public import HTTP
internal import Reactor
internal import Synchronization
public import Telemetry

/// The faults of a process: asked for each request, changed through `/faults`.
///
/// There is one only where `FAULTS=on`; a process without it has no way to be broken.
public final class FaultInjector: Sendable {
    private let plan = Mutex(FaultPlan())
    private let log: Logger
    private let shift: @Sendable (Duration, Deadline) -> Void

    /// An injector without rules.
    public convenience init(log: Logger) {
        self.init(log: log) { ProcessClock.shift(by: $0, until: $1) }
    }

    init(log: Logger, shift: @escaping @Sendable (Duration, Deadline) -> Void) {
        self.log = log
        self.shift = shift
    }

    /// What is to be done with a request.
    public func decide(_ facts: FaultPlan.Facts) -> FaultActions {
        plan.withLock { $0.decide(facts, at: Upstream.now) }
    }

    /// All rules with what became of them.
    public var document: JSONValue {
        let now = Upstream.now
        return plan.withLock { plan in
            [
                "seed": .integer(Int64(bitPattern: plan.seed)),
                "rules": .array(plan.entries.map { $0.json(at: now) }),
            ]
        }
    }

    /// Adds one rule, or the `rules` of a document; rules of the same name are replaced.
    ///
    /// - Throws: a 422 problem that points at what is wrong; then nothing was changed.
    public func add(_ value: JSONValue) throws(Problem) {
        try change(value, from: nil)
    }

    /// Puts the document's rules, and its seed, in place of all that is there.
    ///
    /// - Throws: as ``add(_:)``.
    public func replace(with value: JSONValue) throws(Problem) {
        guard case .object(let members) = value, members["rules"] != nil else {
            throw .invalid("/rules", "is missing; send {\"seed\": 1, \"rules\": [...]}")
        }
        for name in members.keys where name != "rules" && name != "seed" {
            throw .invalid("/\(JSONPointer.escape(name))", "is no member of this document")
        }
        guard let seed = members["seed"] else { return try change(value, from: FaultPlan()) }
        guard let number = seed.integer else { throw .invalid("/seed", "must be a whole number") }
        try change(value, from: FaultPlan(seed: UInt64(bitPattern: number)))
    }

    /// Takes all rules away.
    public func removeAll() {
        plan.withLock { $0 = FaultPlan(seed: $0.seed) }
        tell()
    }

    /// Takes one rule away.
    ///
    /// - Throws: 404 when there is none of this name.
    public func remove(_ name: String) throws(Problem) {
        guard plan.withLock({ $0.remove(name) }) else {
            throw .notFound("there is no fault named \(name)")
        }
        tell()
    }

    /// Adds rules to the plan, or to another one that takes its place.
    ///
    /// All under the lock: of what happens meanwhile nothing is lost, neither a rule nor a count.
    private func change(_ value: JSONValue, from start: FaultPlan?) throws(Problem) {
        try plan.withLock { plan throws(Problem) in
            var fresh = start ?? plan
            let now = Upstream.now
            for rule in try Self.rules(in: value, besides: fresh.entries.map(\.rule.name)) {
                guard fresh.add(rule, at: now) else {
                    throw .invalid("/rules", "would be more than \(FaultPlan.limit)")
                }
            }
            plan = fresh
        }
        tell()
    }

    /// The rules of a content: a document's, or the one that it is itself.
    private static func rules(
        in value: JSONValue,
        besides taken: [String]
    ) throws(Problem) -> [FaultRule] {
        var names = Set(taken)
        guard let list = value["rules"] else {
            return [try FaultRule(value, name: unused(&names))]
        }
        guard let values = list.array else { throw .invalid("/rules", "must be an array") }
        var rules: [FaultRule] = []
        var errors: [Problem.Field] = []
        for (index, value) in values.enumerated() {
            let pointer = "/rules/\(index)"
            do throws(Problem) {
                let rule = try FaultRule(value, name: unused(&names), at: pointer)
                if rules.contains(where: { $0.name == rule.name }) {
                    errors.append(.init(pointer: "\(pointer)/name", detail: "is taken"))
                }
                names.insert(rule.name)
                rules.append(rule)
            } catch { errors += error.errors }
        }
        if !errors.isEmpty { throw .invalid(errors) }
        return rules
    }

    private static func unused(_ names: inout Set<String>) -> String {
        var number = 1
        while names.contains("fault-\(number)") { number += 1 }
        return "fault-\(number)"
    }

    /// Sets the clock, and says in the log what the process suffers from.
    private func tell() {
        setClock()
        let names = plan.withLock { $0.entries.map(\.rule.name) }
        log.warning("injected faults changed", ["faults": .list(names)])
    }

    /// Puts the clock wrong by what the rules say, until one of them ends, and then anew.
    private func setClock() {
        let end = plan.withLock { plan in
            let now = Upstream.now
            let offset = plan.clockOffset(at: now)
            let end = offset.until.map { Deadline.after($0 - now) } ?? .never
            // Under the lock: of two changes the later one has the last word.
            shift(offset.by, end)
            return end
        }
        guard end != .never else { return }
        EventLoop.current?.schedule(at: end) { [weak self] in self?.setClock() }
    }
}

extension FaultPlan.Entry {
    /// The rule, and what became of it.
    func json(at now: Duration) -> JSONValue {
        guard case .object(var members) = rule.json else { return rule.json }
        members["seen"] = .integer(Int64(seen))
        members["fired"] = .integer(Int64(fired))
        members["active"] = .bool(isActive(at: now))
        if let left = remaining(at: now) {
            members["remaining_ms"] = .integer(Int64(left.milliseconds))
        }
        return .object(members)
    }
}
