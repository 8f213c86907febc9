import Foundation
import Testing

/// Cancelling on real processes: the money and the stock go back once, whatever races with it or is
/// killed in between.
@Suite(.serialized) struct CancelTests {
    @Test func `a cancelled order is refunded, restocked and told of, once`() async throws {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            let before = try await shopper.available(product)
            let placed = try await shopper.order(product, quantity: 2)
            #expect(placed.status == 201, "\(placed)")
            let id = placed.text("id")

            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<8 { group.addTask { try await shopper.cancel(id) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for answer in answers {
                #expect(answer.status == 200 && answer.text("status") == "cancelled", "\(answer)")
                #expect(answer.headers["location"] == "/orders/\(id)")
            }
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(try await shopper.available(product) == before)
            #expect(try await shopper.get("/payments/\(id)").text("status") == "refunded")
            try await tellsBothSagas(shopper, id)
            try await refusesOthers(stack, shopper, product, id)
            try await notifies(shopper, id)
            try await verifies(stack)
        }
    }

    @Test func `with payment killed the order is cancelled when it returns, and operators see why`()
        async throws
    {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            let id = try await shopper.order(product).text("id")
            try await stack.must("kill", "payment")
            let waiting = try await shopper.cancel(id, headers: ["Prefer: wait=1"])
            #expect(waiting.status == 202 && waiting.text("status") == "cancelling", "\(waiting)")
            #expect(try await shopper.get("/orders/\(id)").text("status") == "cancelling")
            #expect(try await shopper.get("/ops/sagas").status == 403)
            try await stack.must("kill", "order")
            try await stack.must("start", "order")
            try await stack.must("start", "payment")
            let done = try await shopper.wait(for: id, toBe: ["cancelled"])
            #expect(done.text("status") == "cancelled", "\(done)")
            #expect(try await shopper.get("/payments/\(id)").text("status") == "refunded")
            try await verifies(stack)
        }
    }

    @Test func `orders that are cancelled while everything is killed add up`() async throws {
        try await RunningStack.with(["--lean", "--replicas", "order=2"]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 100)
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await shopper.order(product).text("id") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            await withTaskGroup(of: Void.self) { group in
                for (turn, id) in (ids + ids).enumerated() {
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(turn * 15))
                        _ = try? await shopper.cancel(id, headers: ["Prefer: wait=1"])
                    }
                }
                group.addTask {
                    for name in ["order.1", "payment", "product.1", "order.2"] {
                        _ = try? await stack.run(["kill", name])
                        _ = try? await stack.run(["start", name])
                    }
                }
            }
            for id in ids {
                _ = try await shopper.cancel(id)
                let seen = try await shopper.wait(for: id, toBe: ["cancelled"])
                #expect(seen.text("status") == "cancelled", "\(seen)")
            }
            try await verifies(stack)
        }
    }

    private func tellsBothSagas(_ shopper: Shopper, _ id: String) async throws {
        let timeline = try await shopper.get("/orders/\(id)/timeline")
        let steps = timeline["steps"] as? [[String: Any]] ?? []
        #expect(
            steps.compactMap { $0["step"] as? String } == [
                "reserve stock", "charge payment", "confirm order",
                "cancel order", "refund payment", "restock", "finished",
            ],
            "\(timeline)"
        )
        let sagas = steps.compactMap { $0["saga"] as? String }
        #expect(sagas.prefix(3).allSatisfy { $0 == "place-order" })
        #expect(sagas.suffix(4).allSatisfy { $0 == "cancel-order" })
        #expect(timeline.text("saga") == "ended")
    }

    private func refusesOthers(
        _ stack: RunningStack,
        _ shopper: Shopper,
        _ product: String,
        _ id: String
    ) async throws {
        let other = try await Shopper(stack)
        #expect(try await other.cancel(id).status == 404)
        #expect(try await stack.curl("POST", "/orders/\(id)/cancel").status == 401)
        let declined = try await shopper.order(product, card: "pm_card_chargeDeclined")
        let refused = try await shopper.cancel(declined.text("order_id"))
        #expect(refused.status == 409, "\(refused)")
        #expect(refused.text("type") == "/problems/order-not-cancellable")
    }

    private func notifies(_ shopper: Shopper, _ id: String) async throws {
        func told() async throws -> Int {
            let seen = try await shopper.get("/notifications")
            let items = seen["items"] as? [[String: Any]] ?? []
            return items.count {
                $0["kind"] as? String == "order.cancelled" && $0["order_id"] as? String == id
            }
        }
        for _ in 0..<100 where try await told() == 0 {
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(try await told() == 1)
    }

    private func verifies(_ stack: RunningStack) async throws {
        let verified = try await stack.run(["verify", "--wait", "40"])
        #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
    }
}
