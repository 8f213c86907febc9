import Contracts
import HTTP
import Postgres
import Testing

@testable import OrderService
@testable import Sagas

@Suite struct ParticipantTests {
    @Test func `what a breaker refuses is unknown, never refused, and an undo goes on`()
        async throws
    {
        try await CancelWorld.with { world in
            let participants = world.participants
            let id = try await world.order(.pending)
            let order = try #require(try await world.database.one(FindOrder(id: id)))
            let payments = PaymentParticipant(
                try participants.upstream("payment", breaksAfter: 2)
            )
            participants.set("payments", away: true)
            for _ in 0..<4 {
                let outcome = await payments.charge(order)
                guard case .unknown = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
            // Payment is back, but the breaker lets no call through: nobody may take that for a no.
            participants.set("payments", away: false)
            let charged = await payments.charge(order)
            let refunded = await payments.refund(order)
            guard case .unknown = charged, case .unknown = refunded else {
                Issue.record("\(charged), \(refunded)")
                return
            }
            #expect(participants.done(.put, "/payments/\(id)") == 0)
            #expect(participants.undone(id) == [0, 0])
        }
    }

    @Test func `a participant that answers is believed`() async throws {
        try await CancelWorld.with { world in
            let id = try await world.order(.pending)
            let order = try #require(try await world.database.one(FindOrder(id: id)))
            let payments = PaymentParticipant(try world.participants.upstream("payment"))
            guard case .done = await payments.charge(order),
                case .done = await payments.refund(order)
            else {
                Issue.record("not done")
                return
            }
            #expect(world.participants.done(.put, "/payments/\(id)") == 1)
            #expect(world.participants.undone(id) == [1, 0])
        }
    }
}
