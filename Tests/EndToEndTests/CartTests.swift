import Foundation
import Testing

/// The cart through the gateway, on real processes.
@Suite(.serialized) struct CartTests {
    @Test func `a cart is filled on two devices, survives a kill, and is bought once`() async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "order=2"]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            let before = try await shopper.available(product)
            try await belongsToOne(stack, shopper, product)

            let put = try await shopper.put(product, 2)
            #expect(put.status == 200 && put.headers["etag"] != nil, "\(put)")
            let stamp = String(Int(Date().timeIntervalSince1970 * 1000) << 16, radix: 16)
            let held =
                #"{"lines":[{"product_id":"\#(product)","quantity":3,"stamp":"0\#(stamp)@phone"}]}"#
            let merged = try await shopper.curl(
                "POST",
                "/cart/merge",
                token: shopper.token,
                json: held
            )
            #expect(merged.status == 200, "\(merged)")
            #expect(merged["lines", 0, "quantity"] as? Int == 3, "\(merged)")

            _ = try await stack.run(["kill", "order"])
            _ = try await stack.run(["start", "order"])
            try await bought(stack, shopper, product, before)
            let verified = try await stack.run(["verify", "--wait", "30"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    /// Whose cart it is follows from the token alone: there is no path to another's.
    private func belongsToOne(
        _ stack: RunningStack,
        _ shopper: Shopper,
        _ product: String
    ) async throws {
        for (method, path) in [
            ("GET", "/cart"), ("DELETE", "/cart"), ("PUT", "/cart/items/\(product)"),
            ("DELETE", "/cart/items/\(product)"), ("POST", "/cart/merge"),
        ] {
            let stranger = try await stack.curl(method, path, json: "{}")
            #expect(stranger.status == 401, "\(method) \(path) \(stranger)")
        }
        let other = try await Shopper(stack)
        #expect(try await other.put(product, 7).status == 200)
        let mine = try await shopper.curl(
            "GET",
            "/cart",
            token: shopper.token,
            headers: ["x-anyway-user: 01900000-0000-7000-8000-000000000001"]
        )
        #expect(mine.status == 200 && (mine["lines"] as? [Any])?.isEmpty == true, "\(mine)")
        #expect(try await other.get("/cart")["lines", 0, "quantity"] as? Int == 7)
    }

    private func bought(
        _ stack: RunningStack,
        _ shopper: Shopper,
        _ product: String,
        _ before: Int
    ) async throws {
        let body =
            #"{"cart":true,"payment_method":"pm_card_visa","shipping_address":\#(Shopper.address)}"#
        var placed = try await shopper.post(body, key: "cart")
        for _ in 0..<50 where placed.status == 503 {
            try await Task.sleep(for: .milliseconds(200))
            placed = try await shopper.post(body, key: "cart")
        }
        #expect(placed.status == 201, "\(placed)")
        #expect(placed["items", 0, "quantity"] as? Int == 3)
        let again = try await shopper.post(body, key: "cart")
        #expect(again.status == 201 && again.text("id") == placed.text("id"), "\(again)")
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect(try await shopper.available(product) == before - 3)
        let left = try await shopper.get("/cart")
        #expect((left["lines"] as? [Any])?.isEmpty == true, "\(left)")
        let empty = try await shopper.post(body, key: "other")
        #expect(empty.status == 409 && empty.text("type") == "/problems/cart-empty", "\(empty)")

        _ = try await shopper.put(product, 1)
        let declined = try await shopper.post(
            body.replacingOccurrences(of: "pm_card_visa", with: "pm_card_chargeDeclined"),
            key: "declined"
        )
        #expect(declined.status == 402, "\(declined)")
        let kept = try await shopper.get("/cart")
        #expect(kept["lines", 0, "quantity"] as? Int == 1, "\(kept)")
    }
}

extension Shopper {
    /// Sets how many pieces of a product are in the cart.
    fileprivate func put(_ product: String, _ quantity: Int) async throws -> Answer {
        try await curl(
            "PUT",
            "/cart/items/\(product)",
            token: token,
            json: #"{"quantity":\#(quantity)}"#
        )
    }
}
