/// What the customer runs into when nothing breaks.
enum Scenario: Int, CaseIterable {
    case success, outOfStock, declined, failingUndo, cancelled
}

/// What keeps the platform right; the tests take them away one at a time to see the simulation notice.
struct Guards: OptionSet {
    let rawValue: Int

    /// An undo that finds nothing refuses what comes after it.
    static let tombstones = Guards(rawValue: 1)
    /// A commit counts only in the epoch of its driver.
    static let epochs = Guards(rawValue: 2)
    /// A commit counts only in the phase that it leaves.
    static let phases = Guards(rawValue: 4)
    /// The provider charges once per key.
    static let providerKeys = Guards(rawValue: 8)
    /// The payment service writes down the decision to void before it asks the provider.
    static let voidIntent = Guards(rawValue: 16)

    static let all: Guards = [.tombstones, .epochs, .phases, .providerKeys, .voidIntent]
}

/// How much goes wrong, in cases of a thousand; drawn anew for every schedule.
struct Weather {
    var lostRequests = 0
    var lostAnswers = 0
    var duplicates = 0
    /// Messages that take up to `longestDelay` instead of up to 20 ms.
    var delays = 0
    var longestDelay = 40_000
    var lostCommits = 0
    /// Steps of the payment service before which it is killed.
    var paymentKills = 0
    /// Kills and standstills of the order replicas.
    var kills = 0
    var freezes = 0

    /// Each kind of fault is absent, rare or frequent.
    init(_ chance: inout Chance) {
        func strength(_ chance: inout Chance) -> Int { [0, 0, 30, 150, 400][chance.below(5)] }
        lostRequests = strength(&chance)
        lostAnswers = strength(&chance)
        duplicates = strength(&chance)
        delays = strength(&chance)
        lostCommits = strength(&chance) / 2
        paymentKills = strength(&chance)
        kills = [0, 0, 1, 2, 4][chance.below(5)]
        freezes = [0, 0, 1, 2][chance.below(4)]
    }
}

/// The times that a saga lives by, in milliseconds: those of `SagaPolicy` and the order service.
enum Times {
    static let tryLimit = 5_000
    static let lease = 8_000
    static let checkoutDeadline = 30_000
    static let poll = 500
    static let firstPause = 50
    static let longestPause = 1_000
    static let longestParking = 5_000
    /// From here on nothing new goes wrong.
    static let heal = 60_000

    /// The pause after so many tries without an answer.
    static func pause(attempt: Int, longest: Int) -> Int {
        min(firstPause << min(max(attempt, 1) - 1, 16), longest)
    }
}
