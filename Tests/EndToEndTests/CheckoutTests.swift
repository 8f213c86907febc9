import Foundation
import Testing

/// The shop on real processes and a real PostgreSQL, used with curl.
@Suite(.serialized) struct CheckoutTests {
    @Test func `one checkout goes through every service`() async throws {
        try await RunningStack.with { stack in
            try await sells(stack)
            try await refuses(stack)
            try await answersBadInputBeforeStoringAnything(stack)
            try await placesOneOrderPerKey(stack)
            try await notifies(stack)
            let verified = try await stack.run(["verify", "--wait", "30"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    private func sells(_ stack: RunningStack) async throws {
        let shopper = try await Shopper(stack)
        let product = try await shopper.product()
        let before = try await shopper.available(product)
        let placed = try await shopper.order(product, quantity: 2)
        #expect(placed.status == 201, "\(placed)")
        #expect(placed.text("status") == "confirmed")
        #expect(placed.headers["location"] == "/orders/\(placed.text("id"))")
        #expect(try await shopper.available(product) == before - 2)

        let seen = try await shopper.get("/orders/\(placed.text("id"))")
        #expect(seen.status == 200 && seen.text("status") == "confirmed")
        let payment = try await shopper.get("/payments/\(placed.text("id"))")
        #expect(payment.text("status") == "captured", "\(payment)")
        #expect(payment["amount_cents"] as? Int == placed["total_cents"] as? Int)

        let timeline = try await shopper.get("/orders/\(placed.text("id"))/timeline")
        let steps = timeline["steps"] as? [[String: Any]] ?? []
        #expect(
            steps.compactMap { $0["step"] as? String }
                == ["reserve stock", "charge payment", "confirm order"],
            "\(timeline)"
        )
        #expect(
            steps.allSatisfy { $0["attempt"] as? Int == 1 && $0["outcome"] as? String == "done" }
        )
        #expect(steps.allSatisfy { ($0["at"] as? String)?.hasSuffix("Z") == true })
        #expect(timeline.text("saga") == "ended")

        let other = try await Shopper(stack)
        #expect(try await other.get("/orders/\(placed.text("id"))").status == 404)
        #expect(try await other.get("/payments/\(placed.text("id"))").status == 404)
    }

    private func refuses(_ stack: RunningStack) async throws {
        let shopper = try await Shopper(stack)
        let product = try await shopper.product()
        let before = try await shopper.available(product)

        let declined = try await shopper.order(product, card: "pm_card_chargeDeclined")
        #expect(declined.status == 402, "\(declined)")
        #expect(declined.text("type") == "/problems/card-declined")
        #expect(!declined.text("decline_code").isEmpty)
        let id = declined.text("order_id")
        #expect(try await shopper.get("/orders/\(id)").text("status") == "rejected")

        let short = try await shopper.order(product, quantity: before + 1)
        #expect(short.status == 409, "\(short)")
        #expect(short["short", 0, "product_id"] as? String == product)
        #expect(short["short", 0, "available"] as? Int == before)

        let stranger = try await stack.curl(
            "POST",
            "/orders",
            json: Shopper.body(product, 1, "pm_card_visa"),
            headers: ["Idempotency-Key: k"]
        )
        #expect(stranger.status == 401)
        #expect(stranger.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
        #expect(stranger.headers["content-type"] == "application/problem+json")

        // What a declined order held is given back.
        var after = try await shopper.available(product)
        for _ in 0..<50 where after != before {
            try await Task.sleep(for: .milliseconds(100))
            after = try await shopper.available(product)
        }
        #expect(after == before)
    }

    private func answersBadInputBeforeStoringAnything(_ stack: RunningStack) async throws {
        let shopper = try await Shopper(stack)
        let product = try await shopper.product()
        let unknown = "01890000-0000-7000-8000-000000000000"
        func lines(_ items: String) -> String {
            #"{"items":[\#(items)],"payment_method":"pm_card_visa","shipping_address":\#(Shopper.address)}"#
        }
        func line(_ id: String, _ quantity: String) -> String {
            #"{"product_id":"\#(id)","quantity":\#(quantity)}"#
        }
        let many = Array(repeating: line(product, "1"), count: 101).joined(separator: ",")
        let cases: [(body: String, status: Int, pointer: String?)] = [
            ("{", 400, nil),
            ("[]", 422, ""),
            (lines(""), 422, "/items"),
            (lines(line(product, "0")), 422, "/items/0/quantity"),
            (lines(line(product, "-1")), 422, "/items/0/quantity"),
            (lines(line(product, "1000000000")), 422, "/items/0/quantity"),
            (lines(line(product, "\"two\"")), 422, "/items/0/quantity"),
            (lines(line(product, "1.5")), 422, "/items/0/quantity"),
            (lines(line("no-uuid", "1")), 422, "/items/0/product_id"),
            (lines(line(unknown, "1")), 422, "/items/0/product_id"),
            (lines(line(product, "1") + "," + line(unknown, "1")), 422, "/items/1/product_id"),
            (lines(many), 422, "/items"),
            (Shopper.body(product, 1, "4242424242424242"), 422, "/payment_method"),
            (#"{"payment_method":"pm_card_visa"}"#, 422, "/items"),
        ]
        for (index, bad) in cases.enumerated() {
            let answer = try await shopper.post(bad.body, key: "bad-\(index)")
            #expect(answer.status == bad.status, "\(bad.body): \(answer)")
            #expect(answer.headers["content-type"] == "application/problem+json", "\(answer)")
            if let pointer = bad.pointer { #expect(answer.pointers == [pointer], "\(answer)") }
        }
        let body = Shopper.body(product, 1, "pm_card_visa")
        let noKey = try await shopper.curl("POST", "/orders", token: shopper.token, json: body)
        #expect(noKey.status == 400, "\(noKey)")
        let longKey = try await shopper.post(body, key: String(repeating: "k", count: 256))
        #expect(longKey.status == 400, "\(longKey)")
        let text = try await shopper.curl(
            "POST",
            "/orders",
            token: shopper.token,
            headers: ["Idempotency-Key: t", "Content-Type: text/plain"]
        )
        #expect(text.status == 415 || text.status == 400, "\(text)")
        let file = "/var/tmp/anyway-e2e-\(UUID().uuidString).json"
        _ = FileManager.default.createFile(
            atPath: file,
            contents: Data(repeating: 0x20, count: (1 << 20) + 1)
        )
        defer { try? FileManager.default.removeItem(atPath: file) }
        let large = try await shopper.post("@\(file)", key: "large")
        #expect(large.status == 413, "\(large)")

        let listed = try await shopper.get("/orders")
        #expect((listed["items"] as? [Any])?.isEmpty == true, "\(listed)")
    }

    private func placesOneOrderPerKey(_ stack: RunningStack) async throws {
        let shopper = try await Shopper(stack)
        let product = try await shopper.product()
        let first = try await shopper.order(product, key: "one")
        let again = try await shopper.order(product, key: "one")
        #expect(first.status == 201 && again.status == 201, "\(first) \(again)")
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect(first.text("id") == again.text("id"))
        #expect(first.headers["idempotency-replayed"] == nil)
        let other = try await shopper.order(product, quantity: 2, key: "one")
        #expect(other.status == 422, "\(other)")
        #expect(other.text("type") == "/problems/idempotency-key-reused")

        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<20 { group.addTask { try await shopper.order(product, key: "many") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { [201, 409].contains($0.status) }, "\(answers)")
        let ids = Set(answers.filter { $0.status == 201 }.map { $0.text("id") })
        #expect(ids.count == 1)
        let listed = try await shopper.get("/orders")
        #expect((listed["items"] as? [Any])?.count == 2, "\(listed)")
    }

    private func notifies(_ stack: RunningStack) async throws {
        let shopper = try await Shopper(stack)
        let product = try await shopper.product()
        let placed = try await shopper.order(product)
        var seen = try await shopper.get("/notifications")
        for _ in 0..<100 where (seen["items"] as? [Any])?.isEmpty != false {
            try await Task.sleep(for: .milliseconds(200))
            seen = try await shopper.get("/notifications")
        }
        #expect((seen["items"] as? [Any])?.count == 1, "\(seen)")
        #expect(seen.body.contains(placed.text("id")), "\(seen)")
    }
}
