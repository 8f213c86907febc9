import Sagas

/// One order, its databases, the network between them, and two replicas that drive its sagas: a whole
/// run on a virtual clock, with everything that goes wrong drawn from one seed.
struct World {
    /// One order replica.
    struct Replica {
        var isUp = true
        var incarnation = 0
        var frozenUntil = 0
    }

    let scenario: Scenario
    let weather: Weather
    var chance: Chance
    var now = 0
    var timeline = Timeline()
    var orders: OrderDatabase
    var stock: StockModel
    var payment: PaymentModel
    var replicas = [Replica(), Replica()]
    var drives: [Drive] = []
    private(set) var steps = 0
    /// Told every occurrence, for whoever wants to see a seed's course.
    var trace: ((String) -> Void)?

    /// A run that outlives this many occurrences goes in circles.
    private static let mostSteps = 20_000

    init(seed: UInt64, guards: Guards = .all) {
        var chance = Chance(seed: seed)
        scenario = Scenario.allCases[chance.below(Scenario.allCases.count)]
        weather = Weather(&chance)
        orders = OrderDatabase(guards: guards)
        stock = StockModel(guards: guards, available: scenario == .outOfStock ? 0 : 1)
        payment = PaymentModel(guards: guards, declines: scenario == .declined)
        self.chance = chance
        plan()
    }

    /// Draws what the customer and the weather do to the replicas.
    private mutating func plan() {
        timeline.add(.place(replica: chance.below(2)), at: 0)
        if chance.happens(300) {
            timeline.add(.place(replica: chance.below(2)), at: chance.below(5_000))
        }
        if scenario == .cancelled {
            for _ in 0...chance.below(3) {
                timeline.add(.cancel(replica: chance.below(2)), at: chance.below(Times.heal))
            }
        }
        for _ in 0..<weather.kills {
            let replica = chance.below(2)
            let at = chance.below(chance.happens(500) ? 100 : Times.heal)
            timeline.add(.kill(replica: replica), at: at)
            timeline.add(.start(replica: replica), at: at + chance.within(10...20_000))
        }
        for _ in 0..<weather.freezes {
            let long = chance.within(50...30_000)
            let at = chance.below(chance.happens(500) ? 100 : Times.heal)
            timeline.add(.freeze(replica: chance.below(2), milliseconds: long), at: at)
        }
        timeline.add(
            .cancel(replica: 0),
            at: scenario == .cancelled ? Times.heal + 45_000 : .max / 2
        )
    }

    /// Runs to the end and says what was violated; nil when everything held.
    mutating func run() -> String? {
        while let (at, occurrence) = timeline.next() {
            if at >= .max / 2 { continue }
            now = at
            steps += 1
            if steps > Self.mostSteps { return "went in circles" }
            handle(occurrence)
            trace?(
                "\(now) ms: \(occurrence) -> \(orders.status), \(stock.reservation), "
                    + "\(payment.row), \(payment.charges)-\(payment.refunds)"
            )
            if let violation = orders.violation ?? overcharge() { return violation }
        }
        return finalViolation()
    }

    private mutating func handle(_ occurrence: Occurrence) {
        switch occurrence {
        case .place(let replica): place(at: replica)
        case .cancel(let replica): cancel(at: replica)
        case .request(let request, let drive, let token):
            deliver(request, drive: drive, token: token)
        case .payment(let work): proceed(work)
        case .answer(let answer, let drive, let token):
            take(answer, drive: drive, token: token)
        case .reclaim(let drive, let token): reclaim(drive: drive, token: token)
        case .begin(let kind, let replica, let incarnation):
            store(kind, driver: (replica, incarnation))
        case .commit(let drive, let token, let tellsBack):
            commit(drive: drive, token: token, tellsBack: tellsBack)
        case .resume(let drive, let token): resume(drive: drive, token: token)
        case .poll(let replica): poll(replica)
        case .kill(let replica): replicas[replica].isUp = false
        case .start(let replica):
            guard !replicas[replica].isUp else { return }
            replicas[replica].isUp = true
            replicas[replica].incarnation += 1
            poll(replica)
        case .freeze(let replica, let milliseconds):
            replicas[replica].frozenUntil = max(replicas[replica].frozenUntil, now + milliseconds)
        }
    }

    /// Whether things still go wrong.
    var isStormy: Bool { now < Times.heal }

    /// How long a message takes.
    mutating func delay() -> Int {
        isStormy && chance.happens(weather.delays)
            ? chance.within(20...weather.longestDelay) : chance.within(1...20)
    }

    /// Puts an occurrence off to when a replica that stands still goes on.
    mutating func waits(_ replica: Int, _ occurrence: Occurrence) -> Bool {
        guard replicas[replica].frozenUntil > now else { return false }
        timeline.add(occurrence, at: replicas[replica].frozenUntil)
        return true
    }

    // MARK: Participants

    private mutating func deliver(_ request: Request, drive: Int, token: Int) {
        switch request {
        case .reserve: answer(stock.reserve(), drive: drive, token: token)
        case .release:
            let fails = scenario == .failingUndo && isStormy && chance.happens(700)
            answer(fails ? .unknown : stock.release(), drive: drive, token: token)
        case .charge:
            proceed(PaymentWork(isCharge: true, drive: drive, token: token))
        case .refund:
            let fails = scenario == .failingUndo && isStormy && chance.happens(700)
            if fails { return answer(.unknown, drive: drive, token: token) }
            proceed(PaymentWork(isCharge: false, drive: drive, token: token))
        }
    }

    /// One stage in the payment service; the next one comes a little later, if it lives that long.
    private mutating func proceed(_ work: PaymentWork) {
        if isStormy, chance.happens(weather.paymentKills) { return }
        let progress =
            work.isCharge ? payment.charge(work.stage) : payment.refund(work.stage)
        switch progress {
        case .answer(let answer): self.answer(answer, drive: work.drive, token: work.token)
        case .next(let stage):
            // Between asking and recording lies a network of its own.
            if isStormy, chance.happens(weather.lostAnswers) {
                return answer(.unknown, drive: work.drive, token: work.token)
            }
            var next = work
            next.stage = stage
            timeline.add(.payment(next), at: now + delay())
        }
    }

    private mutating func answer(_ answer: SagaAnswer, drive: Int, token: Int) {
        if isStormy, chance.happens(weather.lostAnswers) { return }
        timeline.add(.answer(answer, drive: drive, token: token), at: now + delay())
    }

    // MARK: Invariants

    private func overcharge() -> String? {
        payment.charges > 1 ? "the customer was charged \(payment.charges) times" : nil
    }

    /// What must hold once everything has come to rest.
    private func finalViolation() -> String? {
        for kind in SagaKind.allCases where orders[kind] != nil {
            return "the \(kind) saga never ended"
        }
        let isSold = orders.status == .confirmed
        let kept = payment.charges - payment.refunds
        if kept != (isSold ? 1 : 0) {
            return "the order is \(orders.status), and \(kept) totals are kept"
        }
        if (stock.reservation == .held) != isSold {
            return "the order is \(orders.status), and its stock is \(stock.reservation)"
        }
        let initial = scenario == .outOfStock ? 0 : 1
        if stock.available + (stock.reservation == .held ? 1 : 0) != initial {
            return "stock came to \(stock.available)"
        }
        if orders.status != .absent, orders.outcomes != 1 {
            return "\(orders.outcomes) outcomes were published"
        }
        switch orders.status {
        case .absent, .confirmed, .rejected:
            return orders.cancellations == 0 ? nil : "cancelled without being so"
        case .cancelled:
            return orders.cancellations == 1 ? nil : "cancelled \(orders.cancellations) times"
        case .pending, .cancelling: return "the order stayed \(orders.status)"
        }
    }
}
