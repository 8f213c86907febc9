internal import HTTP
internal import Reactor

extension Fallacy {
    /// What is asked for over and over again has its price, on the wire and behind it.
    static let freeTransport = Fallacy(number: 7, belief: "transport cost is zero") { stage in
        let count = Costs.requests
        Terminal.say(
            """
            Fallacy 7: transport cost is zero.
            What will be done: a client asks \(count) times for one product over TLS, in three ways, through a relay that \
            counts bytes; then \(Costs.alone) checkouts come one after the other and \(Costs.together) with \
            \(Costs.crowd) under way at once, and counters say what each of them cost inside.
            What is expected: a resumed session takes a fifth fewer bytes than a full handshake, a kept connection \
            two thirds of that; checkouts that come together need fewer calls to product and a tenth fewer round trips to \
            databases, and each card is still charged on its own.

            """
        )
        let costs = Costs(stage)
        let isFalling = try await costs.outside()
        let (alone, together) = try await costs.inside()
        Terminal.say(
            Bill.table([("one by one", alone), ("\(Costs.crowd) at once", together)])
                + "\n\nThe books:"
        )
        let adds = try await stage.verify()
        return stage.conclude(
            adds && isFalling && Bill.isCheaper(together: together, alone: alone),
            "every call costs bytes, a round trip and somebody's processor. So connections are kept and sessions "
                + "resumed, what waits for the same commit shares it, and checkouts that come close together set out "
                + "together; what cannot be shared, a customer's charge, is not."
        )
    }
}

/// Counts what crosses wires.
struct Costs: Sendable {
    static let requests = 50
    static let alone = 40
    static let crowd = 48
    static let together = crowd * 10

    private let stage: Stage

    init(_ stage: Stage) { self.stage = stage }

    /// Between a client and the gateway; whether each way is cheaper than the one before.
    func outside() async throws -> Bool {
        guard let door = try await SecureDoor(stage.platform) else {
            Terminal.say("  the gateway serves nobody over TLS, so that part is left out\n")
            return true
        }
        defer { door.close() }
        guard let product = stage.session.customers.first?.products.first else { return false }
        var tolls: [Toll] = []
        for way in Toll.Way.allCases {
            let toll = try await Toll.pay(
                way,
                Self.requests,
                for: "/products/\(product)",
                at: door,
                stage
            )
            Terminal.say(toll.line)
            tolls.append(toll)
            // Strangers may ask 100 times a second.
            try await EventLoop.sleep(for: .seconds(1))
        }
        Terminal.say("")
        return Toll.falls(tolls)
    }

    /// Inside: what a checkout costs alone, and among others.
    func inside() async throws -> (alone: Bill, together: Bill) {
        // What the sign-ins at the start left to do is over.
        try await EventLoop.sleep(for: .seconds(2))
        let before = try await bill()
        try await EventLoop.sleep(for: .seconds(5))
        let idle = (try await bill() - before).perSecond(5)
        let alone = try await cost(of: 1, each: Self.alone, idle)
        let together = try await cost(of: Self.crowd, each: Self.together / Self.crowd, idle)
        return (alone, together)
    }

    /// Lets customers check out beside each other, each one order after the other.
    private func cost(of crowd: Int, each: Int, _ idle: Bill) async throws -> Bill {
        let customers = stage.session.customers
        let (before, start) = (try await bill(), Deadline.now)
        let answers = await withTaskGroup(of: [String: Int].self) { group in
            for number in 0..<crowd {
                group.addTask {
                    let customer = customers[number % customers.count]
                    var answers: [String: Int] = [:]
                    for _ in 0..<each where !Task.isCancelled {
                        answers[await customer.checkOut().outcome, default: 0] += 1
                    }
                    return answers
                }
            }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        try Task.checkCancellation()
        guard let orders = Bill.orders(answers) else {
            throw Shop.Failed(
                description: "a checkout's cost cannot be told where so few are confirmed at once: "
                    + Figure.mix(answers)
            )
        }
        let spent = try await bill() - before
        let seconds = Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e9
        return spent.each(of: orders, in: seconds, idle: idle)
    }

    /// What everybody has spent so far.
    ///
    /// - Throws: when somebody does not tell: a bill without them would be wrong.
    private func bill() async throws -> Bill {
        var bill = Bill()
        for member in stage.members where !member.isDatabase {
            bill.add(try await stage.metrics(of: member), of: member.service)
        }
        return bill
    }
}

extension Stage {
    /// What a process says of itself.
    ///
    /// - Throws: when it does not answer, asked five times.
    func metrics(of member: Member) async throws -> String {
        let text = try await Admin.insist { await admin.metrics([member]).first }
        if let text { return text }
        throw Shop.Failed(description: "\(member.name) does not say what it has done")
    }

    /// What several processes say of themselves.
    ///
    /// - Throws: when one of them does not answer, asked five times.
    func metrics(of members: [Member]) async throws -> [String] {
        var texts: [String] = []
        for member in members { texts.append(try await metrics(of: member)) }
        return texts
    }
}
