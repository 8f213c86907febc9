internal import HTTP
internal import Reactor

/// `load breaker`: payment fails, and the circuit breakers in front of it walk from closed to open,
/// half-open and closed again.
struct BreakerWalk: Sendable {
    /// What one look at the platform showed.
    struct Look: Sendable, Equatable {
        var second: Double
        var breakers: Gauges
        /// Charges that reached a payment process since the look before, counted there.
        var calls: Int
        var outcomes: [String: Int]
        /// When the look before was.
        var since = 0.0

        /// Puts a later look on top.
        mutating func add(_ later: Look) {
            second = later.second
            breakers = later.breakers
            calls += later.calls
            outcomes.merge(later.outcomes, uniquingKeysWith: +)
        }

        var line: String {
            "\(Figure.padded("\(Int(second.rounded())) s", 6))  closed \(breakers.closed)  "
                + "half-open \(breakers.halfOpen)  open \(breakers.open)   "
                + "charges that reached payment: \(Figure.padded("\(calls)", 3))   "
                + Figure.mix(outcomes)
        }
    }

    private static let fault = "load-breaker"
    /// How often is looked.
    private static let pace = Duration.milliseconds(500)
    private let stage: Stage
    private let payments: [Member]
    private let orders: [Member]

    init(_ stage: Stage) {
        self.stage = stage
        payments = stage.members(of: "payment")
        orders = stage.members(of: "order")
    }

    func run() async throws -> Bool {
        Terminal.say(
            """
            What will be done: \(stage.options.rate ?? 0) checkouts a second; every payment process is told to answer \
            charges with 503, and told to stop that once all breakers are open.
            What to watch: each order process has a breaker for each payment process. At half of 20 calls failed within
            10 s it opens, and for 30 s not one call goes out; then one call at a time probes, and three good ones close it.
            """
        )
        Terminal.say("")
        let walk = try await stage.whileBroken(during: watch)
        Terminal.say("\n" + walk.text + "\n\nThe books, once every saga has ended:")
        let adds = try await stage.verify()
        return stage.conclude(
            walk.holds && adds,
            "while every breaker was open nothing reached payment, they closed again, and everything adds up. "
                + "An open breaker gives a failing service room and its callers a quick answer; to a saga that is "
                + "\"unknown\", never \"failed\", so orders wait and then end one way or the other."
        )
    }

    /// Breaks payment, looks until all breakers are closed again or two and a half minutes are over.
    private func watch() async throws -> BreakerVerdict {
        let end = Deadline.after(.seconds(150))
        let start = Deadline.now
        var verdict = BreakerVerdict()
        var (shown, before) = (Gauges([]), 0)
        var unshown = Look(second: 0, breakers: Gauges([]), calls: 0, outcomes: [:])
        var isBroken = false
        while !end.hasPassed, verdict.phase != .closedAgain {
            // First: while all breakers are still open afterwards, none of these is a probe.
            let reached = try await stage.admin.seen(Self.fault, at: payments)
            let texts = try await stage.metrics(of: orders)
            let look = Look(
                second: Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e9,
                breakers: Gauges(texts, upstream: "payment").withoutSagas,
                calls: max(0, reached - before),
                outcomes: stage.session.recorder.takeWindow().outcomes
            )
            before = reached
            unshown.add(look)
            // Every change, and a sign of life now and then.
            if look.breakers != shown || look.second - unshown.since >= 5 {
                Terminal.say(unshown.line)
                unshown = Look(second: 0, breakers: look.breakers, calls: 0, outcomes: [:])
                unshown.since = look.second
            }
            shown = look.breakers
            switch verdict.take(look) {
            case .breakPayment where !isBroken:
                isBroken = true
                for member in payments { try await stage.admin.add(Self.failing, to: member) }
                Terminal.say("        payment now answers charges with 503")
            case .mendPayment:
                // The rule stays as a counter that does nothing to a request.
                for member in payments { try await stage.admin.add(Self.counting, to: member) }
                Terminal.say("        payment is well again, and nobody knows yet")
                before = 0
            default: break
            }
            try await EventLoop.sleep(for: Self.pace)
        }
        return verdict
    }

    private static let route: JSONValue = "PUT /payments/{order_id}"
    private static let failing: JSONValue = [
        "name": .string(fault), "route": route, "error": 503,
    ]
    private static let counting: JSONValue = [
        "name": .string(fault), "route": route, "latency_ms": 0,
    ]
}
