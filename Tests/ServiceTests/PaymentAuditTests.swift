import Contracts
import HTTP
import Postgres
import Testing

@testable import PaymentProvider
@testable import PaymentService

/// The provider's records and our books on real databases, made to differ in every way that a crash, a
/// lost database or a hand at the provider can make them.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PaymentAuditTests {
    @Test func `a capture whose result never reached the row is recorded once`() async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world async throws in
            let order = OrderID.next()
            #expect(try await world.settlement.charge(order, world.request()).outcome == .unknown)
            world.line.set(.none)
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            #expect(try await world.status(order) == .captured)
            #expect(try await world.findings() == [.init(.captureMissing, .repaired, 1999)])
            let row = try #require(try await world.books()[order])
            #expect(row.captures == 1 && row.clearing == 1999)
            try await world.checkBooksAgree()
        }
    }

    @Test func `a charge that may still be at work is left to its request`() async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            world.line.set(.none)
            try await world.age(10)
            var audit = world.audit("payment.1")
            audit.grace = 15
            try await audit.run(within: .seconds(10))
            #expect(try await world.status(order) == .processing)
            try await world.age(10)
            try await audit.run(within: .seconds(10))
            #expect(try await world.status(order) == .captured)
        }
    }

    @Test func `money taken for a voided order goes back`() async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.void(order)
            try await world.takeMoney(for: order, key: "late")
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.stray, .repaired, 1999)])
            #expect(try await world.charges()[order.description]?.kept == 0)
            #expect(try await world.status(order) == .voided)
        }
    }

    @Test func `a second charge of an order goes back and the first stays`() async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            try await world.takeMoney(for: order, key: "twice")
            try await world.age()
            let audit = world.audit("payment.1")
            try await audit.run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.stray, .repaired, 1999)])
            let taken = try #require(try await world.charges()[order.description])
            #expect(taken.count == 2 && taken.kept == 1999)
            #expect(try await world.status(order) == .captured)
            // The refund of the stray charge is no difference either.
            try await world.payments.run(StartOver())
            try await audit.run(within: .seconds(10))
            #expect(try await world.findings().count == 1)
        }
    }

    @Test(arguments: [false, true])
    func `a payment that its database lost is charged once and can be refunded`(
        isAskedForFirst: Bool
    ) async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            let request = world.request()
            _ = try await world.settlement.charge(order, request)
            try await world.loseBooks()
            #expect(try await world.settlement.store.find(order) == nil)
            if isAskedForFirst {
                #expect(try await world.settlement.charge(order, request).outcome == .captured)
            }
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            let found = try await world.findings()
            #expect(found == (isAskedForFirst ? [] : [.init(.paymentLost, .repaired, 1999)]))
            #expect(try await world.settlement.charge(order, request).outcome == .captured)
            #expect(try await world.charges()[order.description]?.count == 1)
            try await world.checkBooksAgree()
            #expect(try await world.settlement.void(order).outcome == .refunded)
            try await world.checkBooksAgree()
        }
    }

    @Test(arguments: [false, true])
    func `a refund that the provider does not have is made, or raised if it cannot be`(
        keyIsRemembered: Bool
    ) async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            _ = try await world.settlement.void(order)
            try await world.sandbox.run(ForgetRefunds())
            try await world.sandbox.run(ForgetRefunded())
            if !keyIsRemembered { try await world.sandbox.run(ForgetKeys()) }
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            let state = keyIsRemembered ? Discrepancy.State.open : .repaired
            #expect(try await world.findings() == [.init(.refundMissing, state, 1999)])
            let kept = try await world.charges()[order.description]?.kept
            #expect(kept == (keyIsRemembered ? 1999 : 0))
        }
    }

    @Test func `a refund made by hand at the provider is raised, not followed`() async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            try await world.age()
            let audit = world.audit("payment.1")
            try await audit.run(within: .seconds(10))
            #expect(try await world.findings() == [])
            let intent = try #require(try await world.settlement.store.find(order)?.intent)
            let answer = try await world.post(
                "/v1/refunds",
                ["payment_intent": intent, "amount": "500"],
                key: "by hand"
            )
            #expect(answer.status == 200)
            try await world.age()
            try await audit.run(within: .seconds(10))
            #expect(
                try await world.findings() == [.init(.refundedAtProvider, .open, 1999, 1499)]
            )
            #expect(try await world.status(order) == .captured)
        }
    }

    @Test func `an amount that differs is open until it does not`() async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            try await world.sandbox.run(ChangeAmounts(cents: 2099))
            try await world.age()
            let audit = world.audit("payment.1")
            try await audit.run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.amountDiffers, .open, 1999, 2099)])
            try await world.sandbox.run(ChangeAmounts(cents: 1999))
            try await audit.run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.amountDiffers, .settled, 1999, 2099)])
        }
    }

    @Test func `a capture that the provider does not know is raised`() async throws {
        try await PaymentWorld.with { world async throws in
            let lost = OrderID.next()
            _ = try await world.settlement.charge(lost, world.request())
            for statement in ForgetIntents.all { try await world.sandbox.run([statement]) }
            _ = try await world.settlement.charge(.next(), world.request())
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.notCaptured, .open, 1999, 0)])
            #expect(try await world.status(lost) == .captured)
        }
    }

    @Test func `money that names no order of ours is raised and not touched`() async throws {
        try await PaymentWorld.with { world async throws in
            let form = [
                "amount": "700", "currency": "usd", "payment_method": "pm_card_visa",
                "confirm": "true",
            ]
            #expect(try await world.post("/v1/payment_intents", form, key: "else").status == 200)
            var unpaid = form
            unpaid["confirm"] = "false"
            #expect(try await world.post("/v1/payment_intents", unpaid, key: "no").status == 200)
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            #expect(try await world.findings() == [.init(.foreignIntent, .open, 0, 700)])
        }
    }

    @Test func `what agrees costs pages, not questions, and is read once`() async throws {
        try await PaymentWorld.with { world async throws in
            for number in 0..<230 {
                let order = OrderID.next()
                _ = try await world.settlement.charge(order, world.request())
                if number % 5 == 0 { _ = try await world.settlement.void(order) }
            }
            try await world.age(200)
            let audit = world.audit("payment.1")
            let before = world.line.log.count
            try await audit.run(within: .seconds(10))
            // 230 intents and 46 refunds, a hundred to a page.
            #expect(world.line.log.count - before == 3 + 1)
            #expect(try await world.findings() == [])
            let second = world.line.log.count
            try await audit.run(within: .seconds(10))
            #expect(world.line.log.count - second == 2)
        }
    }

    @Test func `a provider that is down changes nothing and is asked again from there`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            world.line.set(Faults(requestLost: 100))
            try await world.age()
            let audit = world.audit("payment.1")
            await #expect(throws: ProviderAudit.Stop.self) {
                try await audit.run(within: .seconds(10))
            }
            #expect(try await world.status(order) == .processing)
            world.line.set(.none)
            try await audit.run(within: .seconds(10))
            #expect(try await world.status(order) == .captured)
        }
    }

    @Test func `one replica compares at a time`() async throws {
        try await PaymentWorld.with { world async throws in
            let one = world.audit("payment.1")
            let other = world.audit("payment.2")
            #expect(try await one.run(within: .seconds(10)))
            #expect(try await !other.run(within: .seconds(10)))
            #expect(try await one.run(within: .seconds(10)))
            let stolen = MoveReconciliation(
                list: .intents,
                owner: "payment.2",
                through: 1,
                length: 10
            )
            #expect(try await world.payments.run(stolen) == 0)
            await one.release()
            #expect(try await other.run(within: .seconds(10)))
        }
    }

    @Test func `after a storm that nobody drove to its end the books say what the provider says`()
        async throws
    {
        try await PaymentWorld.with(faults: .storm) { world async throws in
            for number in 0..<200 {
                let order = OrderID.next()
                _ = try await world.settlement.charge(order, world.request())
                if number % 3 == 0 { _ = try await world.settlement.void(order) }
            }
            await world.line.settle()
            world.line.set(.none)
            try await world.age()
            _ = try await world.reconciler.sweep()
            try await world.audit("payment.1").run(within: .seconds(20))
            try await world.checkBooksAgree()
            #expect(try await world.findings().allSatisfy { $0.state == .repaired })
        }
    }

    @Test func `administrators see what is open, page by page, and nobody else does`() async throws
    {
        try await PaymentWorld.with { world async throws in
            for number in 0..<3 {
                let form = [
                    "amount": "70\(number)", "currency": "usd", "payment_method": "pm_card_visa",
                    "confirm": "true",
                ]
                _ = try await world.post("/v1/payment_intents", form, key: "foreign \(number)")
            }
            try await world.age()
            try await world.audit("payment.1").run(within: .seconds(10))
            let path = "/ops/payments/discrepancies"
            #expect(try await world.ops(path, as: .customer).status == 403)
            #expect(try await world.ops(path, as: nil).status == 401)
            for bad in ["?state=odd", "?limit=0", "?cursor=x", "?color=red"] {
                #expect(try await world.ops(path + bad, as: .admin).status == 400)
            }
            let first = try await world.ops(path + "?limit=2", as: .admin)
            #expect(first.json["items"]?.array?.count == 2)
            #expect(first.json["items"]?.array?.first?["kind"] == .string("foreign_intent"))
            #expect(first.json["items"]?.array?.first?["order_id"] == .null)
            let cursor = try #require(first.json["next_cursor"]?.string)
            let second = try await world.ops(path + "?limit=2&cursor=\(cursor)", as: .admin)
            #expect(second.json["items"]?.array?.count == 1)
            #expect(second.json["next_cursor"] == .null)
        }
    }
}
