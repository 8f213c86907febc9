/// What a customer does.
enum Scenario: String, Sendable, CaseIterable, Comparable {
    /// Looks at one product.
    case browse
    /// Searches, with facets.
    case search
    /// Fills a cart, changes it, and now and then checks it out.
    case cart
    /// Checks out some products.
    case checkout
    /// Checks out the one product that everybody wants.
    case hot
    /// Signs in.
    case signIn = "sign-in"

    static func < (left: Scenario, right: Scenario) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Scenarios with weights.
struct Mix: Sendable, Equatable {
    let weights: [Scenario: Int]
    private let total: Int

    /// One scenario and nothing else.
    init(_ scenario: Scenario) {
        self.init(weights: [scenario: 1])
    }

    private init(weights: [Scenario: Int]) {
        self.weights = weights
        total = weights.values.reduce(0, +)
    }

    /// A shop on an ordinary day.
    static let everyday = Mix(weights: [
        .browse: 50, .search: 22, .cart: 10, .checkout: 15, .signIn: 3,
    ])

    /// As many who look at products as who buy.
    static let lookAndBuy = Mix(weights: [.browse: 1, .checkout: 1])

    /// Reads `browse=60,search=30,checkout=10`; nil when it makes no sense.
    init?(_ text: String) {
        var weights: [Scenario: Int] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1)
            guard words.count == 2, let scenario = Scenario(rawValue: String(words[0])),
                let weight = Int(words[1]), (0...1000).contains(weight)
            else { return nil }
            weights[scenario] = weight
        }
        self.init(weights: weights)
        if total == 0 { return nil }
    }

    /// The scenario that a number from 0 up to, but not including, 1 falls on.
    func scenario(at share: Double) -> Scenario {
        var left = Int(share * Double(total))
        for (scenario, weight) in weights.sorted(by: { $0.key < $1.key }) {
            if left < weight { return scenario }
            left -= weight
        }
        return weights.keys.max() ?? .browse
    }

    /// Whether anybody signs in, has a cart or buys, so that accounts are needed.
    var needsAccounts: Bool { weights.contains { $0.value > 0 && $0.key >= .cart } }

    /// Whether anybody buys, so that stock is.
    var buys: Bool {
        [.cart, .checkout, .hot].contains { weights[$0, default: 0] > 0 }
    }
}
