/// Makes lower priorities yield everywhere while higher ones are refused anywhere.
///
/// Pure. Limits are found for each upstream alone, but upstreams share machines and databases, and
/// what browsing takes of them is missing at the checkout. A lower priority then gets down to a
/// quarter of its share: where it uses little, as with a fast upstream, that refuses nothing at all,
/// so an upstream that is slow for reasons of its own takes no other one down with it.
struct Precedence: Sendable {
    /// How long refusals are collected before shares move.
    static let window = Duration.milliseconds(100)
    /// The least that is left.
    static let floor = 0.25
    private static let cut = 0.8
    private static let growth = 0.05

    private(set) var shares = PerPriority(1.0)
    private var wasRefused = PerPriority(false)
    private var windowEnd: Duration?

    init() {}

    /// Takes note that a request of this priority was refused.
    mutating func refused(_ priority: Priority, at now: Duration) {
        advance(to: now)
        wasRefused[priority] = true
        if windowEnd == nil { windowEnd = now + Self.window }
    }

    /// How much of its share a priority has now, from a quarter to 1.
    mutating func share(of priority: Priority, at now: Duration) -> Double {
        advance(to: now)
        return shares[priority]
    }

    private mutating func advance(to now: Duration) {
        guard let end = windowEnd, now >= end else { return }
        for priority in Priority.allCases {
            let isPreferred = Priority.allCases.contains { $0 > priority && wasRefused[$0] }
            shares[priority] =
                isPreferred
                ? max(shares[priority] * Self.cut, Self.floor)
                : min(shares[priority] + Self.growth, 1)
        }
        wasRefused = PerPriority(false)
        // Windows that nobody looked at were without a refusal.
        let silent = Double(Int64((now - end) / Self.window))
        for priority in Priority.allCases {
            shares[priority] = min(shares[priority] + Self.growth * silent, 1)
        }
        let isOver = Priority.allCases.allSatisfy { shares[$0] == 1 }
        windowEnd = isOver ? nil : now + Self.window
    }
}
