import Foundation
import Testing

/// What happens when things are killed under a running shop.
@Suite(.serialized) struct FailureTests {
    /// The saga's deadline is shortened so that giving up can be waited for.
    private static let flags = ["--lean", "--set", "CHECKOUT_DEADLINE=6s"]

    @Test func `with payment dead orders wait, then give the stock back`() async throws {
        try await RunningStack.with(Self.flags) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            let before = try await shopper.available(product)
            try await stack.must("kill", "payment")

            let start = ContinuousClock.now
            let waiting = try await shopper.order(product, headers: ["Prefer: wait=1"])
            #expect(waiting.status == 202, "\(waiting)")
            #expect(waiting.text("status") == "pending")
            #expect(ContinuousClock.now - start >= .seconds(1))
            let id = waiting.text("id")
            let rejected = try await shopper.wait(for: id, toBe: ["rejected", "confirmed"])
            #expect(rejected.text("status") == "rejected", "\(rejected)")
            #expect(rejected.text("reason") == "timed-out")
            var after = try await shopper.available(product)
            for _ in 0..<50 where after != before {
                try await Task.sleep(for: .milliseconds(200))
                after = try await shopper.available(product)
            }
            #expect(after == before)

            try await stack.must("start", "payment")
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
            let payment = try await shopper.get("/payments/\(id)")
            #expect(payment.status == 404 || payment.text("status") != "captured", "\(payment)")
        }
    }

    @Test func `payment that returns in time confirms the order`() async throws {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            try await stack.must("kill", "payment")
            let waiting = try await shopper.order(product, headers: ["Prefer: respond-async"])
            #expect(waiting.status == 202, "\(waiting)")
            // Longer than one call and its retries take, so that the saga itself has to ask again.
            try await Task.sleep(for: .seconds(3))
            try await stack.must("start", "payment")
            let confirmed = try await shopper.wait(
                for: waiting.text("id"),
                toBe: ["rejected", "confirmed"]
            )
            #expect(confirmed.text("status") == "confirmed", "\(confirmed)")
            let timeline = try await shopper.get("/orders/\(waiting.text("id"))/timeline")
            let charges = (timeline["steps"] as? [[String: Any]] ?? [])
                .filter { $0["step"] as? String == "charge payment" }
            #expect(charges.first?["outcome"] as? String == "unknown", "\(timeline)")
            #expect(charges.last?["outcome"] as? String == "done", "\(timeline)")
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    @Test func `every saga ends after the order service was killed in the middle`() async throws {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 100)
            for _ in 0..<3 {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<12 {
                        group.addTask {
                            _ = try? await shopper.order(product, headers: ["Prefer: wait=2"])
                        }
                    }
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 20...120)))
                        _ = try? await stack.run(["kill", "order"])
                        _ = try? await stack.run(["start", "order"])
                    }
                }
            }
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    @Test func `everything recovers by itself after PostgreSQL was killed`() async throws {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            #expect(try await shopper.order(product).status == 201)
            let before = try await Self.pids(stack)
            try await stack.must("kill", "postgres")
            let refused = try await shopper.order(product, headers: ["Prefer: wait=1"])
            #expect([202, 502, 503, 504].contains(refused.status), "\(refused)")
            try await stack.must("start", "postgres")
            var placed = try await shopper.order(product)
            // A breaker that opened meanwhile lets nothing through for thirty seconds.
            for _ in 0..<160 where placed.status != 201 {
                try await Task.sleep(for: .milliseconds(250))
                placed = try await shopper.order(product)
            }
            #expect(placed.status == 201, "\(placed)")
            #expect(try await Self.pids(stack) == before)
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    @Test func `a replica paused past its lease commits nothing when it goes on`() async throws {
        try await RunningStack.with(["--lean", "--replicas", "order=2"]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 100)
            // The charges hang while payment is paused, so that order.1 stops in the middle of them; their
            // replies wait in its sockets for longer than a lease lasts.
            try await stack.must("pause", "payment")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        let waiting = try await shopper.order(
                            product,
                            headers: ["Prefer: respond-async"]
                        )
                        #expect(waiting.status == 202, "\(waiting)")
                    }
                }
                try await group.waitForAll()
            }
            try await stack.must("pause", "order.1")
            try await stack.must("resume", "payment")
            try await Task.sleep(for: .seconds(11))
            try await stack.must("resume", "order.1")
            let verified = try await stack.run(["verify", "--wait", "40"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
            let listed = try await shopper.get("/orders")
            let statuses = (listed["items"] as? [[String: Any]] ?? [])
                .compactMap { $0["status"] as? String }
            #expect(statuses.count == 12 && statuses.allSatisfy { $0 == "confirmed" }, "\(listed)")
        }
    }

    @Test func `the full replica counts survive killing one of each`() async throws {
        try await RunningStack.with([]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 100)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<30 {
                    group.addTask {
                        _ = try? await shopper.order(product, headers: ["Prefer: wait=3"])
                    }
                }
                group.addTask {
                    for name in ["order.1", "product.1", "payment.1", "user.1", "notification.1"] {
                        _ = try? await stack.run(["kill", name])
                    }
                }
            }
            let placed = try await shopper.order(product)
            #expect(placed.status == 201, "\(placed)")
            let verified = try await stack.run(["verify", "--wait", "45"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    /// The processes' ids, without PostgreSQL's.
    private static func pids(_ stack: RunningStack) async throws -> [String] {
        try await stack.run(["ps"]).output.split(separator: "\n")
            .filter { $0.contains("running") && !$0.hasPrefix("postgres") }
            .map { $0.split(separator: " ").prefix(3).joined(separator: " ") }
    }
}
