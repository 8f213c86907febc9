internal import HTTP

/// Takes the members of a rule one by one, and takes note of all that is wrong with them.
struct FaultReader {
    static let actionNames =
        "latency_ms, error, reset, drop_request, drop_reply, duplicate, slow_body, clock_offset_ms"

    private(set) var errors: [Problem.Field] = []
    private var members: [String: JSONValue]
    private let pointer: String

    init(_ members: [String: JSONValue], _ pointer: String) {
        (self.members, self.pointer) = (members, pointer)
    }

    mutating func refuse(_ name: String, _ detail: String) {
        errors.append(.init(pointer: name.isEmpty ? pointer : "\(pointer)/\(name)", detail: detail))
    }

    mutating func text(_ name: String) -> String? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        if let text = value.string, !text.isEmpty { return text }
        refuse(name, "must be a text that is not empty")
        return nil
    }

    mutating func whole(_ name: String, _ range: ClosedRange<Int64>) -> Int? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        if let number = value.integer, range.contains(number) { return Int(number) }
        refuse(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func number(_ name: String, above low: Double, to high: Double) -> Double? {
        guard let value = members.removeValue(forKey: name) else { return nil }
        if let number = Self.double(value), number > low, number <= high { return number }
        refuse(name, "must be a number above \(Int(low)), at most \(Int(high))")
        return nil
    }

    /// Everything that is left must be an action.
    mutating func actions() -> [FaultRule.Action] {
        var actions: [FaultRule.Action] = []
        if let latency = latency() { actions.append(.latency(latency)) }
        if let code = whole("error", 400...599) { actions.append(.error(Status(code))) }
        for (name, action) in Self.switches where isOn(name) { actions.append(action) }
        if let rate = whole("slow_body", 1...1_000_000_000) {
            actions.append(.slowBody(bytesPerSecond: rate))
        }
        // A year either way.
        if let offset = whole("clock_offset_ms", -31_536_000_000...31_536_000_000) {
            actions.append(.clockOffset(.milliseconds(offset)))
        }
        return actions
    }

    private static let switches: [(String, FaultRule.Action)] = [
        ("reset", .reset), ("drop_request", .dropRequest), ("drop_reply", .dropReply),
        ("duplicate", .duplicate),
    ]

    private mutating func isOn(_ name: String) -> Bool {
        guard let value = members.removeValue(forKey: name) else { return false }
        if case .bool(let isOn) = value { return isOn }
        refuse(name, "must be true or false")
        return false
    }

    mutating func finish() throws(Problem) {
        for name in members.keys.sorted() {
            refuse(JSONPointer.escape(name), "is no member of a rule for this side")
        }
        if !errors.isEmpty { throw .invalid(errors) }
    }

    // MARK: Latency

    /// `300`, or an object with the one distribution that is meant.
    private mutating func latency() -> FaultLatency? {
        guard let value = members.removeValue(forKey: "latency_ms") else { return nil }
        if let fixed = Self.wait(value) { return .fixed(fixed) }
        if let latency = Self.distribution(value) { return latency }
        refuse(
            "latency_ms",
            "must be from 0 to 60000, or one of {\"uniform\": [50, 200]}, "
                + "{\"normal\": {\"mean\": 100, \"deviation\": 20}}, {\"exponential\": {\"mean\": 100}}, "
                + "{\"pareto\": {\"least\": 20, \"shape\": 1.5}}"
        )
        return nil
    }

    private static func distribution(_ value: JSONValue) -> FaultLatency? {
        guard case .object(let members) = value, members.count == 1, let only = members.first else {
            return nil
        }
        func part(_ name: String) -> Duration? { only.value[name].flatMap(wait) }
        var size = 0
        if case .object(let parts) = only.value { size = parts.count }
        switch only.key {
        case "uniform":
            let ends = (only.value.array ?? []).compactMap(wait)
            guard let low = ends.first, let high = ends.last, ends.count == 2,
                only.value.array?.count == 2, low <= high
            else { return nil }
            return .uniform(low, high)
        case "normal":
            guard size == 2, let mean = part("mean"), let deviation = part("deviation") else {
                return nil
            }
            return .normal(mean: mean, deviation: deviation)
        case "exponential": return size == 1 ? part("mean").map { .exponential(mean: $0) } : nil
        case "pareto":
            guard size == 2, let least = part("least"),
                let shape = only.value["shape"].flatMap(double), (0.1...100).contains(shape)
            else { return nil }
            return .pareto(least: least, shape: shape)
        default: return nil
        }
    }

    private static func wait(_ value: JSONValue) -> Duration? {
        guard let number = double(value), (0...60_000).contains(number) else { return nil }
        return .microseconds(Int64(number * 1000))
    }

    private static func double(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .null, .bool, .string, .array, .object: nil
        }
    }

    // MARK: Writing

    static func json(_ action: FaultRule.Action) -> (String, JSONValue) {
        switch action {
        case .latency(let latency): ("latency_ms", json(latency))
        case .error(let status): ("error", .integer(Int64(status.code)))
        case .reset: ("reset", true)
        case .dropRequest: ("drop_request", true)
        case .dropReply: ("drop_reply", true)
        case .duplicate: ("duplicate", true)
        case .slowBody(let rate): ("slow_body", .integer(Int64(rate)))
        case .clockOffset(let offset): ("clock_offset_ms", json(offset))
        }
    }

    private static func json(_ latency: FaultLatency) -> JSONValue {
        switch latency {
        case .fixed(let duration): json(duration)
        case .uniform(let low, let high): ["uniform": [json(low), json(high)]]
        case .normal(let mean, let deviation):
            ["normal": ["mean": json(mean), "deviation": json(deviation)]]
        case .exponential(let mean): ["exponential": ["mean": json(mean)]]
        case .pareto(let least, let shape):
            ["pareto": ["least": json(least), "shape": .number(shape)]]
        }
    }

    /// Milliseconds, whole where they are.
    static func json(_ duration: Duration) -> JSONValue {
        let milliseconds = duration.milliseconds
        let whole = Int64(milliseconds.rounded())
        return Double(whole) == milliseconds ? .integer(whole) : .number(milliseconds)
    }
}
