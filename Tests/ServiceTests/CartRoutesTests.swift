import Contracts
import HTTP
import Reactor
import Testing

@testable import OrderService

extension Replica {
    func put(_ product: ProductID, _ quantity: Int, by customer: UserID) async throws -> UserAnswer
    {
        try await call(
            .put,
            "/cart/items/\(product)",
            by: customer,
            json: #"{"quantity":\#(quantity)}"#
        )
    }

    /// What a customer's cart holds, as `product: quantity`.
    func cart(of customer: UserID) async throws -> [String: Int64] {
        let answer = try await call(.get, "/cart", by: customer)
        return answer.cart
    }
}

extension UserAnswer {
    func stamp(of product: ProductID) -> String? {
        json["lines"]?.array?.first { $0["product_id"]?.string == "\(product)" }?["stamp"]?.string
    }

    var cart: [String: Int64] {
        var cart: [String: Int64] = [:]
        for line in json["lines"]?.array ?? [] {
            cart[line["product_id"]?.string ?? ""] = line["quantity"]?.integer
        }
        return cart
    }
}

/// The cart's routes with a PostgreSQL of their own.
@Suite(.serialized) struct CartRoutesTests {
    private let customer = UserID.next()
    private let kettle = ProductID.next()
    private let lamp = ProductID.next()

    @Test func `a cart is filled, changed, emptied and read, and tells its version`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                let none = try await replica.call(.get, "/cart", by: customer)
                #expect(none.status == .ok && none.cart.isEmpty)
                #expect(none.headers[.etag] == "\"v0\"")
                let first = try await replica.put(kettle, 2, by: customer)
                #expect(first.status == .ok, "\(first)")
                #expect(first.headers[.etag] == "\"v1\"")
                #expect(first.headers[.cacheControl] == "private, no-cache")
                _ = try await replica.put(lamp, 1, by: customer)
                let changed = try await replica.put(kettle, 5, by: customer)
                #expect(changed.cart == ["\(kettle)": 5, "\(lamp)": 1])

                let seen = try await replica.call(.get, "/cart", by: customer)
                #expect(seen.json == changed.json)
                let tag = try #require(seen.headers[.etag])
                let same = try await replica.call(
                    .get,
                    "/cart",
                    by: customer,
                    headers: [.ifNoneMatch: tag]
                )
                #expect(same.status == .notModified && same.bytes.isEmpty)
                let stale = try await replica.call(
                    .delete,
                    "/cart",
                    by: customer,
                    headers: [.ifMatch: "\"v1\""]
                )
                #expect(stale.status == .preconditionFailed && stale.headers[.etag] == tag)

                let removed = try await replica.call(
                    .delete,
                    "/cart/items/\(lamp)",
                    by: customer,
                    headers: [.ifMatch: tag]
                )
                #expect(removed.cart == ["\(kettle)": 5], "\(removed)")
                #expect(removed.json["removed"]?.array?.count == 1)
                let again = try await replica.call(.delete, "/cart/items/\(lamp)", by: customer)
                #expect(again.status == .ok && again.json == removed.json)
                #expect(again.headers[.etag] == removed.headers[.etag])
                #expect(try await replica.cart(of: .next()).isEmpty)

                let emptied = try await replica.call(.delete, "/cart", by: customer)
                #expect(emptied.status == .ok && emptied.cart.isEmpty)
                #expect(try await replica.cart(of: customer).isEmpty)
            }
        }
    }

    @Test func `what makes no sense is named, and nothing is stored`() async throws {
        let item = "/cart/items/\(kettle)"
        let ahead = CartStamp((ProcessClock.milliseconds + 120_000) << 16, "phone")
        let now = CartStamp(ProcessClock.milliseconds << 16, "phone")
        func line(_ quantity: Int, _ stamp: String) -> String {
            #"{"product_id":"\#(kettle)","quantity":\#(quantity),"stamp":"\#(stamp)"}"#
        }
        let many = Array(repeating: line(1, now.description), count: 301).joined(separator: ",")
        let cases: [(HTTP.Method, String, String, Int, [String])] = [
            (.put, item, #"{"quantity":0}"#, 422, ["/quantity"]),
            (.put, item, #"{"quantity":-1}"#, 422, ["/quantity"]),
            (.put, item, #"{"quantity":10001}"#, 422, ["/quantity"]),
            (.put, item, #"{"quantity":"two"}"#, 422, ["/quantity"]),
            (.put, item, "{}", 422, ["/quantity"]),
            (.put, item, "{", 400, []),
            (.put, "/cart/items/kettle", #"{"quantity":1}"#, 400, []),
            (.post, "/cart/merge", "{}", 422, ["/lines"]),
            (.post, "/cart/merge", #"{"lines":[\#(many)]}"#, 422, ["/lines"]),
            (
                .post, "/cart/merge",
                #"{"lines":[\#(line(0, now.description)),\#(line(1, "yesterday"))]}"#, 422,
                ["/lines/0/quantity", "/lines/1/stamp"]
            ),
            (
                .post, "/cart/merge", #"{"lines":[\#(line(1, ahead.description))]}"#, 422,
                ["/lines/0/stamp"]
            ),
            (
                .post, "/cart/merge",
                #"{"lines":[],"removed":[{"product_id":"\#(kettle)","stamp":"x"}]}"#, 422,
                ["/removed/0/stamp"]
            ),
        ]
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                for (method, target, json, status, pointers) in cases {
                    let answer = try await replica.call(method, target, by: customer, json: json)
                    #expect(answer.status.code == status, "\(json.prefix(80)) \(answer)")
                    #expect(answer.pointers == pointers, "\(json.prefix(80))")
                }
                let cart = try await replica.call(.get, "/cart", by: customer)
                #expect(cart.cart.isEmpty && cart.headers[.etag] == "\"v0\"")
            }
        }
    }

    @Test func `two devices at the same time lose nothing`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { first in
                try await first.migrate()
                try await world.replica { second in
                    let products = (0..<20).map { _ in ProductID.next() }
                    let stamps = try await withThrowingTaskGroup(of: [String].self) { group in
                        for (number, device) in [first, second].enumerated() {
                            let mine = products.indices.filter { $0 % 2 == number }
                            group.addTask { try await fill(mine.map { products[$0] }, on: device) }
                        }
                        return try await group.reduce(into: []) { $0 += $1 }
                    }
                    let seen = try await first.call(.get, "/cart", by: customer)
                    for product in products { #expect(seen.cart["\(product)"] == 3) }
                    #expect(seen.cart.count == 21)
                    // Each write of the kettle came after the others, and the last of them is there.
                    #expect(Set(stamps).count == 20)
                    #expect(seen.stamp(of: kettle) == stamps.max())
                }
            }
        }
    }

    /// Puts each product in, and the kettle after each; gives the kettle's stamps.
    private func fill(_ products: [ProductID], on device: Replica) async throws -> [String] {
        var stamps: [String] = []
        for (index, product) in products.enumerated() {
            let put = try await device.put(product, 3, by: customer)
            #expect(put.status == .ok, "\(put)")
            let written = try await device.put(kettle, index + 1, by: customer)
            stamps.append(try #require(written.stamp(of: kettle), "\(written)"))
        }
        return stamps
    }

    @Test func `a cart that was filled elsewhere is merged once, however often it is sent`()
        async throws
    {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                let early = ProcessClock.milliseconds - 60_000
                _ = try await replica.put(kettle, 2, by: customer)
                let held = #"""
                    {"lines":[
                      {"product_id":"\#(kettle)","quantity":9,"stamp":"\#(CartStamp(early << 16, "phone"))"},
                      {"product_id":"\#(lamp)","quantity":3,"stamp":"\#(CartStamp(early << 16, "phone"))"}]}
                    """#
                let merged = try await replica.call(.post, "/cart/merge", by: customer, json: held)
                // The kettle was written later than the phone wrote it.
                #expect(merged.cart == ["\(kettle)": 2, "\(lamp)": 3], "\(merged)")
                let again = try await replica.call(.post, "/cart/merge", by: customer, json: held)
                #expect(again.json == merged.json)
                #expect(again.headers[.etag] == merged.headers[.etag])

                _ = try await replica.call(.delete, "/cart/items/\(lamp)", by: customer)
                let late = try await replica.call(.post, "/cart/merge", by: customer, json: held)
                #expect(late.cart == ["\(kettle)": 2], "what was taken out came back")
                // What the shop says can be sent back as it is.
                let echo = String(decoding: late.bytes, as: UTF8.self)
                let same = try await replica.call(.post, "/cart/merge", by: customer, json: echo)
                #expect(same.status == .ok && same.headers[.etag] == late.headers[.etag])
            }
        }
    }

    @Test func `a hundred lines fit, and one more changes nothing`() async throws {
        try await OrderWorld.with { world in
            try await world.replica { replica in
                try await replica.migrate()
                let stamp = CartStamp(ProcessClock.milliseconds << 16, "phone")
                let lines = (0..<100).map { _ in
                    #"{"product_id":"\#(ProductID.next())","quantity":1,"stamp":"\#(stamp)"}"#
                }
                let held = #"{"lines":[\#(lines.joined(separator: ","))]}"#
                let full = try await replica.call(.post, "/cart/merge", by: customer, json: held)
                #expect(full.status == .ok && full.cart.count == 100, "\(full)")
                let more = try await replica.put(kettle, 1, by: customer)
                #expect(more.status == .unprocessable && more.type == "/problems/cart-full")
                #expect(try await replica.cart(of: customer) == full.cart)
                let product = try #require(full.cart.keys.first.flatMap(ProductID.init))
                #expect(try await replica.put(product, 7, by: customer).status == .ok)
            }
        }
    }
}
