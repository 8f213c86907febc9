import Contracts
import Postgres
import Reactor
import Telemetry
import Testing

@testable import PaymentService

/// Chargers against voiders on real databases, with a line that loses, repeats and delays: the customer
/// pays once or not at all, and the books say the same as the provider.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PaymentRaceTests {
    @Test(arguments: [false, true])
    func `chargers race voiders and every cent comes back`(isStormy: Bool) async throws {
        try await PaymentWorld.with(faults: isStormy ? .storm : .none) { world in
            let orders = (0..<1500).map { _ in OrderID.next() }
            try await inParallel(orders, width: 24) { order in
                try await fight(over: order, in: world, chargers: 2, voiders: 2)
            }
            await world.line.settle()
            // What a saga does: it asks until the answer is definite.
            world.line.set(.none)
            try await inParallel(orders, width: 16) { order in
                let settled = try await world.settlement.void(order)
                #expect([.voided, .refunded].contains(settled.outcome))
            }
            let books = try await world.books()
            let charges = try await world.charges()
            for order in orders {
                let row = try #require(books[order])
                let taken = charges[order.description]
                #expect(row.imbalance == 0)
                #expect(row.clearing == 0)
                #expect(taken?.kept ?? 0 == 0, "\(order) \(row.status)")
                #expect(taken?.count ?? 0 == row.captures)
                #expect(row.captures == row.refunds)
                #expect(row.status == (row.captures == 1 ? "refunded" : "voided"))
            }
            // A race that always has the same winner would prove little.
            let refunded = books.values.count { $0.status == "refunded" }
            #expect(refunded > 20 && refunded < orders.count - 20, "\(refunded) refunded")
        }
    }

    @Test func `many chargers of one order charge once`() async throws {
        try await PaymentWorld.with(faults: .storm) { world in
            let orders = (0..<300).map { _ in OrderID.next() }
            try await inParallel(orders, width: 16) { order in
                try await fight(over: order, in: world, chargers: 4, voiders: 0)
            }
            await world.line.settle()
            world.line.set(.none)
            let books = try await world.books()
            for (order, row) in books where row.status == "processing" {
                let request = try #require(try await world.settlement.store.find(order)?.request)
                let settled = try await world.settlement.charge(order, request)
                #expect(settled.outcome == .captured)
            }
            let charges = try await world.charges()
            for (order, row) in try await world.books() {
                #expect(row.status == "captured" && row.captures == 1 && row.refunds == 0)
                #expect(row.imbalance == 0 && row.clearing == 1999)
                #expect(charges[order.description]?.count == 1)
                #expect(charges[order.description]?.kept == 1999)
            }
        }
    }

    @Test func `a void that comes first keeps every later charge out`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            #expect(try await world.settlement.void(order).outcome == .voided)
            #expect(world.line.log.isEmpty)
            for _ in 0..<3 {
                let late = try await world.settlement.charge(order, world.request())
                #expect(late.outcome == .refusedByVoid)
            }
            #expect(world.line.log.isEmpty)
            #expect(try await world.settlement.void(order).outcome == .voided)
        }
    }

    @Test func `a charge that was on its way when the void fenced it does not succeed`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(requestLost: 100)) { world in
            let order = OrderID.next()
            let request = world.request()
            #expect(try await world.settlement.charge(order, request).outcome == .unknown)
            let onItsWay = try #require(world.line.log.first)
            world.line.set(.none)
            #expect(try await world.settlement.void(order).outcome == .voided)
            let late = try await world.line.send(onItsWay)
            #expect(ProviderAnswer.ofCharge(status: late.status, body: late.body) == .keyTaken)
            #expect(try await world.charges()[order.description]?.count == 0)
            #expect(try await world.settlement.charge(order, request).outcome == .refusedByVoid)
        }
    }

    @Test func `a charge whose reply was lost is refunded by the void`() async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world in
            let order = OrderID.next()
            #expect(try await world.settlement.charge(order, world.request()).outcome == .unknown)
            #expect(try await world.status(order) == .processing)
            #expect(try await world.settlement.void(order).outcome == .unknown)
            #expect(try await world.status(order) == .voiding)
            world.line.set(.none)
            #expect(try await world.settlement.void(order).outcome == .refunded)
            let row = try #require(try await world.books()[order])
            #expect(row.captures == 1 && row.refunds == 1 && row.clearing == 0)
            #expect(try await world.charges()[order.description]?.kept == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a charge whose reply was lost is made once if asked again under its key`(
        repeatsKeys: Bool
    ) async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100), repeatsKeys: repeatsKeys) {
            world in
            let order = OrderID.next()
            let request = world.request()
            #expect(try await world.settlement.charge(order, request).outcome == .unknown)
            world.line.set(.none)
            #expect(try await world.settlement.charge(order, request).outcome == .captured)
            let taken = try await world.charges()[order.description]
            #expect(taken?.count == (repeatsKeys ? 1 : 2))
        }
    }

    @Test(arguments: [false, true])
    func `a key that the provider forgot charges nobody twice`(isVoid: Bool) async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world in
            let order = OrderID.next()
            let request = world.request()
            #expect(try await world.settlement.charge(order, request).outcome == .unknown)
            world.line.set(.none)
            try await world.payments.run(AgeCreation(seconds: 24 * 3600))
            try await world.sandbox.run(ForgetKeys())
            let settled =
                isVoid
                ? try await world.settlement.void(order)
                : try await world.settlement.charge(order, request)
            #expect(settled.outcome == (isVoid ? .refunded : .captured))
            let taken = try await world.charges()[order.description]
            #expect(taken?.count == 1)
            #expect(taken?.kept == (isVoid ? 0 : 1999))
        }
    }

    @Test(arguments: [false, true])
    func `an old payment that never reached the provider is settled as usual`(
        isVoid: Bool
    ) async throws {
        try await PaymentWorld.with(faults: Faults(requestLost: 100)) { world in
            let order = OrderID.next()
            let request = world.request()
            #expect(try await world.settlement.charge(order, request).outcome == .unknown)
            world.line.set(.none)
            try await world.payments.run(AgeCreation(seconds: 24 * 3600))
            let settled =
                isVoid
                ? try await world.settlement.void(order)
                : try await world.settlement.charge(order, request)
            #expect(settled.outcome == (isVoid ? .voided : .captured))
            #expect(try await world.charges()[order.description]?.kept == (isVoid ? 0 : 1999))
        }
    }

    @Test func `the reconciler ends what nobody drives any more and leaves charges alone`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world in
            let voided = (0..<40).map { _ in OrderID.next() }
            let charging = OrderID.next()
            _ = try await world.settlement.charge(charging, world.request())
            for order in voided {
                _ = try await world.settlement.charge(order, world.request())
                _ = try await world.settlement.void(order)
            }
            world.line.set(.none)
            let one = world.reconciler
            let other = world.reconciler
            // Too young: their sagas may still be at work.
            #expect(try await one.sweep() == 0)
            try await world.payments.run(AgePayments(seconds: 11))
            async let first = one.sweep()
            async let second = other.sweep()
            let (a, b) = (try await first, try await second)
            #expect(a + b == voided.count, "\(a) + \(b)")
            for order in voided { #expect(try await world.status(order) == .refunded) }
            #expect(try await world.status(charging) == .processing)
            try await world.payments.run(AgePayments(seconds: 700))
            let unsettled = try await world.settlement.store.countUnsettled()
            #expect(unsettled.charges == 1 && unsettled.voids == 0)
        }
    }

    @Test func `the books refuse what does not add up, and every change`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            await #expect(throws: DatabaseError.self) {
                try await world.payments.run(InsertLoneEntry())
            }
            await #expect(throws: DatabaseError.self) {
                try await world.payments.run(ChangeLedger())
            }
            await #expect(throws: DatabaseError.self) {
                try await world.payments.run(EmptyLedger())
            }
            let payment = try #require(try await world.settlement.store.find(order))
            let stale = try await world.settlement.store.record(
                .capture(intent: "pi_other"),
                of: payment
            )
            #expect(stale == payment)
        }
    }

    private func fight(
        over order: OrderID,
        in world: PaymentWorld,
        chargers: Int,
        voiders: Int
    ) async throws {
        let request = world.request()
        try await withThrowingTaskGroup { group in
            for _ in 0..<chargers {
                group.addTask {
                    try await EventLoop.sleep(for: .microseconds(Int64.random(in: 0...6000)))
                    let settled = try await world.settlement.charge(order, request)
                    #expect(
                        [.captured, .refusedByVoid, .unknown].contains(settled.outcome),
                        "\(settled) of \(order) for \(request)"
                    )
                }
            }
            for _ in 0..<voiders {
                group.addTask {
                    try await EventLoop.sleep(for: .microseconds(Int64.random(in: 0...6000)))
                    let settled = try await world.settlement.void(order)
                    #expect([.voided, .refunded, .unknown].contains(settled.outcome))
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Does something for each element, `width` at a time, on the caller's loop.
private func inParallel<T: Sendable>(
    _ elements: [T],
    width: Int,
    _ body: @escaping @Sendable (T) async throws -> Void
) async throws {
    try await withThrowingTaskGroup { group in
        var rest = elements[...]
        for _ in 0..<width {
            if let element = rest.popFirst() { group.addTask { try await body(element) } }
        }
        while try await group.next() != nil {
            if let element = rest.popFirst() { group.addTask { try await body(element) } }
        }
    }
}

extension PaymentWorld {
    var reconciler: Reconciler {
        Reconciler(
            settlement: settlement,
            log: .silent,
            interval: .seconds(60),
            gauges: UnsettledGauges(.init()),
            audit: audit("payment.1")
        )
    }
}

private struct AgePayments: Statement {
    static let sql = "UPDATE payments SET updated_at = updated_at - make_interval(secs => $1)"
    let seconds: Double
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

private struct AgeCreation: Statement {
    static let sql = "UPDATE payments SET created_at = created_at - make_interval(secs => $1)"
    let seconds: Double
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

private struct InsertLoneEntry: Statement {
    static let sql = """
        INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, amount_cents)
        SELECT gen_random_uuid(), id, 'refund', 'provider_clearing', -1999 FROM payments
        """
}

private struct ChangeLedger: Statement {
    static let sql = "UPDATE ledger_entries SET amount_cents = amount_cents * 2"
}

private struct EmptyLedger: Statement {
    static let sql = "DELETE FROM ledger_entries"
}
