import Foundation
import Testing

/// Checkouts while PostgreSQL is dead, through the front door, with processes that are killed.
@Suite(.serialized) struct JournalTests {
    @Test func `orders taken while PostgreSQL is dead survive kill -9 and are placed once`()
        async throws
    {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 100)
            // The catalog's database dies as well; what a product cost is known from here.
            #expect(try await shopper.order(product).status == 201)
            try await stack.must("kill", "postgres")

            var saved: [String: Answer] = [:]
            for number in 0..<6 {
                let key = "while-dead-\(number)"
                let answer = try await shopper.order(product, key: key)
                #expect(answer.status == 202, "\(answer)")
                #expect(answer.text("status") == "saved")
                #expect(answer.headers["location"] == "/orders/\(answer.text("id"))")
                saved[key] = answer
            }
            let first = try #require(saved["while-dead-0"])
            let seen = try await shopper.get("/orders/\(first.text("id"))")
            #expect(seen.status == 200 && seen.text("status") == "saved", "\(seen)")

            // The order process dies with PostgreSQL still dead, and takes orders again without it.
            try await stack.must("kill", "order")
            try await stack.must("start", "order")
            let again = try await shopper.order(product, key: "while-dead-0")
            #expect(again.status == 202 && again.body == first.body, "\(again)")
            #expect(again.headers["idempotency-replayed"] == "true")
            let other = try await shopper.order(product, quantity: 2, key: "while-dead-0")
            #expect(other.status == 422, "\(other)")

            // It dies once more, while PostgreSQL comes back and the orders are being placed.
            try await stack.must("kill", "order")
            try await stack.must("start", "postgres")
            try await stack.must("start", "order")
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...700)))
            try await stack.must("kill", "order")
            try await stack.must("start", "order")
            for (key, answer) in saved {
                let id = answer.text("id")
                let ended = try await shopper.wait(
                    for: id,
                    toBe: ["confirmed", "rejected"],
                    within: .seconds(90)
                )
                #expect(ended.text("status") == "confirmed", "\(key): \(ended)")
                let replayed = try await shopper.order(product, key: key)
                #expect(replayed.status == 201 && replayed.text("id") == id, "\(replayed)")
            }
            let listed = try await shopper.get("/orders?limit=100")
            #expect((listed["items"] as? [Any])?.count == 7, "\(listed)")
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }
}
