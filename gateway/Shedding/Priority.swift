/// How much a request matters when not all of them can be served.
enum Priority: String, Sendable, CaseIterable, Comparable {
    /// Can be asked for again at no loss, as browsing can.
    case low
    /// What customers do on their way to an order.
    case normal
    /// What the shop lives on, and what its operators need to see.
    case high

    private var rank: Int {
        switch self {
        case .low: 0
        case .normal: 1
        case .high: 2
        }
    }

    static func < (left: Priority, right: Priority) -> Bool { left.rank < right.rank }
}

/// One value for each priority.
struct PerPriority<Value: Sendable>: Sendable {
    private var low: Value
    private var normal: Value
    private var high: Value

    init(_ value: Value) { self.init(low: value, normal: value, high: value) }

    init(low: Value, normal: Value, high: Value) {
        self.low = low
        self.normal = normal
        self.high = high
    }

    subscript(priority: Priority) -> Value {
        get {
            switch priority {
            case .low: low
            case .normal: normal
            case .high: high
            }
        }
        set {
            switch priority {
            case .low: low = newValue
            case .normal: normal = newValue
            case .high: high = newValue
            }
        }
    }

    /// The values under their priorities' names, for those who look.
    var named: [String: Value] {
        Dictionary(uniqueKeysWithValues: Priority.allCases.map { ($0.rawValue, self[$0]) })
    }
}

extension PerPriority: Equatable where Value: Equatable {}
