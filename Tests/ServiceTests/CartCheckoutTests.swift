import Contracts
import HTTP
import Journaling
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import OrderService

/// Buying what a cart holds, with a PostgreSQL that can be killed.
@Suite(.serialized) struct CartCheckoutTests {
    private let customer = UserID.next()
    private let kettle = ProductID.next()
    private let lamp = ProductID.next()

    private static let rest =
        #""payment_method":"pm_card_visa","shipping_address":{"line1":"1 Main Street","city":"Springfield","country":"US"}}"#

    private func buy(
        _ key: String,
        on replica: Replica,
        _ what: String = #""cart":true"#,
        headers: Headers = [:]
    ) async throws -> UserAnswer {
        var headers = headers
        headers[.idempotencyKey] = key
        return try await replica.call(
            .post,
            "/orders",
            by: customer,
            json: "{\(what),\(Self.rest)",
            headers: headers
        )
    }

    /// A replica, and a cart with two kettles.
    private func withCart(
        _ body: @escaping @Sendable (OrderWorld, Replica) async throws -> Void
    ) async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                _ = try await replica.put(kettle, 2, by: customer)
                try await body(world, replica)
            }
        }
    }

    @Test func `a cart is bought once under its key, and what comes in meanwhile stays`()
        async throws
    {
        try await withCart { world, replica in
            world.participants.whenQuoting {
                _ = try? await replica.put(lamp, 1, by: customer)
            }
            let bought = try await buy("k", on: replica)
            #expect(bought.status == .created, "\(bought)")
            #expect(bought.json["items"]?.array?.count == 1)
            #expect(bought.json["total_cents"] == 2100)
            #expect(try await replica.cart(of: customer) == ["\(lamp)": 1])
            let again = try await buy("k", on: replica)
            #expect(again.status == .created && again.json == bought.json)
            #expect(again.headers["idempotency-replayed"] == "true")
            let items = #""items":[{"product_id":"\#(kettle)","quantity":2}]"#
            let other = try await buy("k", on: replica, items)
            #expect(other.type == "/problems/idempotency-key-reused", "\(other)")
            #expect(try await replica.cart(of: customer) == ["\(lamp)": 1])
            #expect(try await replica.count() == 1)
        }
    }

    @Test func `a line that is changed while it is bought is not bought`() async throws {
        try await withCart { world, replica in
            world.participants.whenQuoting {
                _ = try? await replica.put(kettle, 3, by: customer)
            }
            let refused = try await buy("k", on: replica)
            #expect(refused.status == .conflict, "\(refused)")
            #expect(refused.type == "/problems/cart-changed")
            #expect(try await replica.cart(of: customer) == ["\(kettle)": 3])
            #expect(try await replica.count() == 0)
            world.participants.whenQuoting {}
            let bought = try await buy("k", on: replica)
            #expect(bought.status == .created && bought.json["total_cents"] == 3150)
        }
    }

    @Test func `twenty at once under one key are one order, and none finds an empty cart`()
        async throws
    {
        try await withCart { _, replica in
            let answers = try await withThrowingTaskGroup(of: UserAnswer.self) { group in
                for _ in 0..<20 { group.addTask { try await buy("k", on: replica) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for answer in answers where answer.status != .created {
                #expect(answer.type == "/problems/order-pending", "\(answer)")
            }
            #expect(answers.contains { $0.status == .created })
            #expect(try await replica.count() == 1)
            #expect(try await replica.cart(of: customer).isEmpty)
        }
    }

    @Test func `twenty keys at once buy a cart once`() async throws {
        try await withCart { _, replica in
            let answers = try await withThrowingTaskGroup(of: UserAnswer.self) { group in
                for number in 0..<20 { group.addTask { try await buy("k-\(number)", on: replica) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0.status == .created } == 1)
            for answer in answers where answer.status != .created {
                let known = ["/problems/cart-empty", "/problems/cart-changed"]
                #expect(known.contains(answer.type ?? ""), "\(answer)")
            }
            #expect(try await replica.count() == 1)
        }
    }

    @Test func `carts of many customers are bought together, each its own`() async throws {
        try await withCart { _, replica in
            let customers = (0..<20).map { _ in UserID.next() }
            for (number, customer) in customers.enumerated() {
                _ = try await replica.put(kettle, number + 1, by: customer)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, customer) in customers.enumerated() {
                    group.addTask {
                        let bought = try await replica.call(
                            .post,
                            "/orders",
                            by: customer,
                            json: #"{"cart":true,\#(Self.rest)"#,
                            headers: [.idempotencyKey: "k"]
                        )
                        #expect(bought.json["total_cents"] == .integer(Int64(1050 * (number + 1))))
                        #expect(try await replica.cart(of: customer).isEmpty)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await replica.cart(of: customer) == ["\(kettle)": 2])
        }
    }

    @Test func `what cannot be bought is refused clearly`() async throws {
        try await withCart { world, replica in
            let both = #""cart":true,"items":[{"product_id":"\#(kettle)","quantity":1}]"#
            #expect(try await buy("a", on: replica, both).pointers == ["/cart"])
            #expect(try await buy("a", on: replica, #""cart":"yes""#).pointers == ["/cart"])
            #expect(try await buy("a", on: replica, #""cart":false"#).pointers == ["/items"])
            let stale = try await buy("a", on: replica, headers: [.ifMatch: "\"v0\""])
            #expect(stale.status == .preconditionFailed, "\(stale)")
            world.participants.forget(kettle)
            let unknown = try await buy("a", on: replica)
            #expect(unknown.status == .unprocessable && unknown.pointers == ["/cart"])
            let detail = unknown.json["errors"]?.array?.first?["detail"]?.string
            #expect(detail == "\(kettle) is not in the catalog")
            #expect(try await replica.cart(of: customer) == ["\(kettle)": 2])
            _ = try await replica.call(.delete, "/cart", by: customer)
            let empty = try await buy("a", on: replica)
            #expect(empty.status == .conflict && empty.type == "/problems/cart-empty")
            #expect(try await replica.count() == 0)
        }
    }

    @Test func `a declined card puts back what was taken, but not over what was written since`()
        async throws
    {
        try await withCart { world, replica in
            _ = try await replica.put(lamp, 1, by: customer)
            world.participants.decline {
                #expect(try await replica.cart(of: customer).isEmpty)
                _ = try await replica.put(lamp, 4, by: customer)
            }
            let declined = try await buy("k", on: replica)
            #expect(declined.status == .paymentRequired, "\(declined)")
            #expect(try await replica.cart(of: customer) == ["\(kettle)": 2, "\(lamp)": 4])
            let again = try await buy("k", on: replica)
            #expect(again.status == .paymentRequired)
            #expect(try await replica.cart(of: customer) == ["\(kettle)": 2, "\(lamp)": 4])
        }
    }

    @Test func `without its database a cart cannot be bought, and says what can be done`()
        async throws
    {
        try await withCart { world, replica in
            let placed = try await buy("placed", on: replica)
            #expect(placed.status == .created)
            try await world.server.crash()
            let refused = try await buy("k", on: replica)
            #expect(refused.status == .serviceUnavailable, "\(refused)")
            #expect(refused.json["detail"]?.string?.contains("the cart cannot be read") == true)
            #expect(refused.headers[.retryAfter] != nil)
            let known = try await buy("placed", on: replica)
            #expect(known.status == .conflict, "\(known)")
            #expect(known.json["detail"]?.string?.contains("is placed") == true)
            let items = #""items":[{"product_id":"\#(kettle)","quantity":2}]"#
            let saved = try await buy("k", on: replica, items)
            #expect(saved.status == .accepted && saved.json["status"] == "saved", "\(saved)")
            #expect(replica.saved.journal.depth == 1)
            try await world.server.restart()
        }
    }
}
