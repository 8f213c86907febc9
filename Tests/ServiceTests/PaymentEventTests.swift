import Contracts
import FoundationEssentials
import HTTP
import Messaging
import Postgres
import Testing

@testable import NotificationService
@testable import PaymentService

/// What the payment service tells others, in the transaction of what it tells of.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PaymentEventTests {
    @Test func `a capture, a refund and a declined card are told once each`() async throws {
        try await PaymentWorld.with { world in
            let paid = OrderID.next()
            let request = world.request()
            for _ in 0..<2 { _ = try await world.settlement.charge(paid, request) }
            for _ in 0..<2 { _ = try await world.settlement.void(paid) }
            let declined = OrderID.next()
            let bad = world.request(1999, "pm_card_chargeDeclinedLostCard")
            for _ in 0..<2 { _ = try await world.settlement.charge(declined, bad) }
            _ = try await world.settlement.void(declined)
            _ = try await world.settlement.void(.next())
            let told = try await world.payments.all(SelectTold())
            #expect(
                told.map(\.type) == ["payment.captured", "payment.refunded", "payment.declined"]
            )
            #expect(told.map(\.sequence) == [1, 2, 1])
            #expect(told.map(\.subject) == [paid, paid, declined].map(\.description))
            #expect(told.map(\.data.amountCents) == [1999, 1999, 1999])
            #expect(told.first?.data.customerID == request.customerID)
            #expect(told.last?.data.declineCode == "lost_card")
        }
    }

    @Test func `a charge that the void found and refunded is told as both`() async throws {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            #expect(try await world.payments.all(SelectTold()).isEmpty)
            world.line.set(.none)
            #expect(try await world.settlement.void(order).outcome == .refunded)
            let told = try await world.payments.all(SelectTold())
            #expect(told.map(\.type) == ["payment.captured", "payment.refunded"])
        }
    }

    @Test func `rivals for one order tell of what happened and of nothing else`() async throws {
        try await PaymentWorld.with { world in
            let orders = (0..<60).map { _ in OrderID.next() }
            try await withThrowingTaskGroup { group in
                for order in orders {
                    let request = world.request()
                    for _ in 0..<2 {
                        group.addTask { _ = try await world.settlement.charge(order, request) }
                        group.addTask { _ = try await world.settlement.void(order) }
                    }
                }
                try await group.waitForAll()
            }
            for order in orders { _ = try await world.settlement.void(order) }
            let told = try await world.payments.all(SelectTold())
            let books = try await world.books()
            for order in orders {
                let row = try #require(books[order])
                let types = told.filter { $0.subject == order.description }.map(\.type)
                let expected =
                    row.captures == 1 ? ["payment.captured", "payment.refunded"] : []
                #expect(types == expected, "\(row.status)")
            }
        }
    }

    @Test func `a customer is told of a refund, and not of what the order tells`() throws {
        let data = PaymentEventData(
            orderID: .next(),
            paymentID: .next(),
            customerID: .next(),
            amountCents: 27_620,
            currency: "USD"
        )
        let content = String(decoding: try JSON.encode(data), as: UTF8.self)
        let refunded = try orderEvent(PaymentEvent.refunded, content)
        guard case .deliver(let delivery) = PaymentEvents.reaction(to: refunded) else {
            Issue.record("not delivered")
            return
        }
        #expect(delivery.userID == data.customerID && delivery.orderID == data.orderID)
        #expect(delivery.message.subject == "We have refunded 276.20 USD")
        #expect(delivery.message.body.contains("Order: \(data.orderID)"))
        for type in [PaymentEvent.captured, PaymentEvent.declined, "payment.other"] {
            #expect(PaymentEvents.reaction(to: try orderEvent(type, content)) == .ignore)
        }
        let broken = try orderEvent(PaymentEvent.refunded, "{}")
        #expect(
            PaymentEvents.reaction(to: broken) == .refuse("the content is not that of a payment")
        )
    }
}

/// An event as it stands in the outbox.
private struct Told: Sendable {
    let type: String
    let sequence: Int64
    let subject: String
    let data: PaymentEventData
}

private struct SelectTold: Statement {
    static let sql = "SELECT type, sequence, subject, data FROM outbox ORDER BY id"

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Told {
        let text: String = try row[3]
        guard let data = try? JSON.decode(PaymentEventData.self, from: Array(text.utf8)) else {
            throw .decoding("an event's content")
        }
        return Told(type: try row[0], sequence: try row[1], subject: try row[2], data: data)
    }
}
