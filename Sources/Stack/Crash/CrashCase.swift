/// A process that the crash matrix breaks.
enum CrashVictim: String, CaseIterable {
    case order, product, payment, provider, notification, postgres

    /// The service that it is; nil for PostgreSQL.
    var service: ServiceName? { ServiceName(rawValue: rawValue) }
    /// What its control file is called.
    var instance: String { self == .postgres ? rawValue : "\(rawValue).1" }
}

/// How a checkout goes when nothing else interferes.
enum CrashScenario: String, CaseIterable {
    case success
    case outOfStock = "out-of-stock"
    case declined
    /// The provider charges, and its answer never arrives.
    case unknownCharge = "unknown-charge"
    /// The card is declined, and for a while no participant can be told to undo.
    case failingUndo = "failing-undo"
    /// The order is confirmed, and what is broken is its cancellation.
    case cancel

    /// Whether participants are told to undo what they did.
    var isUndone: Bool { self != .success && self != .unknownCharge }
    /// What the order is paid with.
    var card: String {
        self == .declined || self == .failingUndo ? "pm_card_chargeDeclined" : "pm_card_visa"
    }
}

/// What happens at one point of a checkout.
enum CrashFault: String, CaseIterable {
    case killBefore = "kill-before"
    case killAfter = "kill-after"
    /// What is sent or received there vanishes, and the connection with it.
    case lost
    /// Half of a message arrives.
    case cut
    /// The peer sees a reset.
    case reset
    /// A request arrives after its saga has given up and undone it.
    case late
    /// A participant is asked again for what it was asked before.
    case duplicate
    /// One of two replicas stands still for longer than its lease, and goes on in the middle of a step.
    case pause

    var isKill: Bool { self == .killBefore || self == .killAfter }
    /// What the table calls it.
    var title: String {
        switch self {
        case .killBefore: "SIGKILL before"
        case .killAfter: "SIGKILL after"
        case .lost: "message lost"
        case .cut: "message cut short"
        case .reset: "connection reset"
        case .late: "arrives after the undo"
        case .duplicate: "request duplicated"
        case .pause: "paused past its lease"
        }
    }
}

/// Where a fault happens.
///
/// Calls are counted by kind and by whom they go to or come from, so that what a process does beside
/// the checkout, such as looking for sagas, moves as few others as can be.
enum CrashPoint: Hashable, CustomStringConvertible {
    /// The n-th such call since the checkout was sent, counted from 1: `write.product.2`.
    case call(CrashStep, Int)
    /// The n-th of the requests that can be repeated: `2`.
    case request(Int)

    var description: String {
        switch self {
        case .call(let step, let number): "\(step.call).\(step.edge).\(number)"
        case .request(let number): "\(number)"
        }
    }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let number = parts.last.flatMap({ Int($0) }), number > 0, number < 1 << 20 else {
            return nil
        }
        if parts.count == 1 {
            self = .request(number)
            return
        }
        let calls = CrashStep.Call.allCases
        guard parts.count == 3, let call = calls.first(where: { "\($0)" == parts[0] }),
            !parts[1].isEmpty
        else { return nil }
        self = .call(CrashStep(call: call, edge: String(parts[1])), number)
    }
}

/// One fault at one point of one process: `order/declined/kill-before/write.product.2`.
struct CrashCase: Hashable, CustomStringConvertible {
    var victim: CrashVictim
    var scenario: CrashScenario
    var fault: CrashFault
    var point: CrashPoint
    /// What is killed while the first fault is being recovered from, at which of its calls.
    var again: Again?

    struct Again: Hashable {
        var victim: CrashVictim
        var point: Int
    }

    var description: String {
        let first = "\(victim.rawValue)/\(scenario.rawValue)/\(fault.rawValue)/\(point)"
        return again.map { "\(first)+\($0.victim.rawValue)/\($0.point)" } ?? first
    }

    init(
        _ victim: CrashVictim,
        _ scenario: CrashScenario,
        _ fault: CrashFault,
        _ point: CrashPoint,
        again: Again? = nil
    ) {
        self.victim = victim
        self.scenario = scenario
        self.fault = fault
        self.point = point
        self.again = again
    }

    /// Reads what `description` wrote.
    init(_ text: String) throws(StackError) {
        let halves = text.split(separator: "+", omittingEmptySubsequences: false)
        let parts = (halves.first ?? "").split(separator: "/").map(String.init)
        guard (1...2).contains(halves.count), parts.count == 4,
            let victim = CrashVictim(rawValue: parts[0]),
            let scenario = CrashScenario(rawValue: parts[1]),
            let fault = CrashFault(rawValue: parts[2]), let point = CrashPoint(parts[3])
        else {
            throw .usage("--case \(text): write it as order/success/kill-before/write.product.2")
        }
        self.init(victim, scenario, fault, point)
        guard halves.count == 2 else { return }
        let second = halves[1].split(separator: "/").map(String.init)
        guard second.count == 2, let victim = CrashVictim(rawValue: second[0]),
            let point = Int(second[1]), point > 0
        else { throw .usage("--case \(text): write the second kill as +payment/3") }
        again = Again(victim: victim, point: point)
    }
}

/// What a participant may be asked twice, and when.
struct CrashRepeat: Hashable {
    enum Request: String, CaseIterable {
        case reserve, charge, refund, release
    }

    var request: Request
    /// While the first one is being worked on, or when all is over.
    var isAtOnce: Bool

    /// All that make sense in a scenario; a case's point counts them from 1.
    static func all(_ scenario: CrashScenario) -> [CrashRepeat] {
        // Where stock is short nothing was ever asked of payment, so nothing can come again there.
        let asked: [Request] =
            scenario == .outOfStock
            ? [.reserve, .release] : scenario.isUndone ? Request.allCases : [.reserve, .charge]
        if scenario == .cancel {
            // What was asked for long ago comes again as well, and must change nothing.
            let undoing: [Request] = [.refund, .release]
            return undoing.map { CrashRepeat(request: $0, isAtOnce: true) }
                + asked.map { CrashRepeat(request: $0, isAtOnce: false) }
        }
        let atOnce =
            [CrashRepeat(request: .reserve, isAtOnce: true)]
            + (scenario == .outOfStock ? [] : [CrashRepeat(request: .charge, isAtOnce: true)])
        return atOnce + asked.map { CrashRepeat(request: $0, isAtOnce: false) }
    }
}
