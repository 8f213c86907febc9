import Foundation
import Testing

/// What operators see and do about events that cannot be applied, over HTTP and with `stack`.
@Suite(.serialized) struct OperatorTests {
    private static let routes = [
        ("GET", "/ops/consumers"), ("POST", "/ops/consumers/order/rewind"),
        ("GET", "/ops/events/parked"), ("POST", "/ops/events/parked/o-poison/replay"),
    ]

    @Test
    func `an event that cannot be applied is seen, mended and replayed by administrators alone`()
        async throws
    {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let admin = try await administrator(of: stack)
            let order = try await shopper.order(try await shopper.product()).text("id")
            try await refusesOthers(stack, shopper)
            #expect(try await told(shopper, of: order, atLeast: 1) == 1)

            try await sql(
                stack,
                "order",
                """
                INSERT INTO outbox (event_id, type, subject, sequence, hlc, data)
                SELECT gen_random_uuid(), type, 'o-poison', number, 1, '{}'
                FROM (VALUES ('order.confirmed', 2), ('order.cancelled', 3)) AS e (type, number)
                """
            )
            let parked = try await waitForParked(2, stack, admin)
            #expect(parked["parked", 0, "subject"] as? String == "o-poison", "\(parked)")
            #expect(parked["parked", 0, "type"] as? String == "order.confirmed")
            let listed = try await stack.run(["events"])
            #expect(listed.status == 1 && listed.output.contains("o-poison"), "\(listed)")

            // As poisonous as before: nothing is applied, and the reason is told.
            let vain = try await stack.curl(
                "POST",
                "/ops/events/parked/o-poison/replay",
                token: admin
            )
            #expect(vain["replayed", 0, "applied"] as? Int == 0, "\(vain)")
            #expect(vain["replayed", 0, "left"] as? Int == 2)
            #expect((vain["replayed", 0, "reason"] as? String)?.isEmpty == false)

            try await mend(stack, like: order)
            let replayed = try await stack.run(["replay", "o-poison"])
            #expect(replayed.status == 0, "\(replayed)")
            #expect(replayed.output.contains("2 applied, 0 still parked"), "\(replayed)")
            #expect(try await told(shopper, of: order, atLeast: 3) == 3)
            #expect(try await stack.run(["events"]).status == 0)

            try await rewinds(stack, admin, shopper, order)
        }
    }

    private func refusesOthers(_ stack: RunningStack, _ shopper: Shopper) async throws {
        for (method, path) in Self.routes {
            #expect(try await stack.curl(method, path).status == 401, "\(method) \(path)")
            let asCustomer = try await stack.curl(method, path, token: shopper.token)
            #expect(asCustomer.status == 403, "\(method) \(path): \(asCustomer)")
        }
    }

    /// Everything is read again, and nothing is told again.
    private func rewinds(
        _ stack: RunningStack,
        _ admin: String,
        _ shopper: Shopper,
        _ order: String
    ) async throws {
        let unknown = "/ops/events/parked/nothing/replay"
        #expect(try await stack.curl("POST", unknown, token: admin).status == 404)
        let nobody = "/ops/consumers/nobody/rewind"
        #expect(try await stack.curl("POST", nobody, token: admin).status == 404)
        let rewound = try await stack.curl("POST", "/ops/consumers/order/rewind", token: admin)
        #expect(rewound.status == 200 && rewound.text("name") == "order", "\(rewound)")
        // The mended events are poison in the feed still, and are parked once more at its end.
        _ = try await waitForParked(2, stack, admin)
        #expect(try await told(shopper, of: order, atLeast: 3) == 3)
    }

    private func waitForParked(
        _ events: Int,
        _ stack: RunningStack,
        _ admin: String
    ) async throws -> Answer {
        for _ in 0..<200 {
            let parked = try await stack.curl("GET", "/ops/events/parked", token: admin)
            if parked["parked", 0, "events"] as? Int == events { return parked }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw Failed("\(events) events were not parked")
    }

    /// How many notifications of an order there are, once there are so many.
    private func told(_ shopper: Shopper, of order: String, atLeast wanted: Int) async throws -> Int
    {
        var count = 0
        for _ in 0..<100 {
            let items = try await shopper.get("/notifications")["items"] as? [[String: Any]] ?? []
            count = items.count { $0["order_id"] as? String == order }
            if count >= wanted { return count }
            try await Task.sleep(for: .milliseconds(200))
        }
        return count
    }

    /// Gives the parked events the content that an order's own event has.
    private func mend(_ stack: RunningStack, like order: String) async throws {
        let content = try await sql(
            stack,
            "order",
            "SELECT data FROM outbox WHERE type = 'order.confirmed' AND subject = '\(order)'"
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(content.hasPrefix("{"))
        let text = content.replacingOccurrences(of: "'", with: "''")
        try await sql(
            stack,
            "notification",
            """
            UPDATE parked_events
            SET event = jsonb_set(event::jsonb, '{data}', '\(text)'::jsonb)::text
            WHERE subject = 'o-poison'
            """
        )
    }

    @discardableResult
    private func sql(
        _ stack: RunningStack,
        _ service: String,
        _ text: String
    ) async throws -> String {
        let found = try await variable("\(service.uppercased())_DATABASE_URL", of: stack)
        let command = try await Command.run(
            "/usr/bin/psql",
            ["--no-psqlrc", "--quiet", "-At", "-v", "ON_ERROR_STOP=1", "-c", text, found],
            within: .seconds(20)
        )
        guard command.status == 0 else { throw Failed("psql: \(command.errors)") }
        return command.output
    }

    private func administrator(of stack: RunningStack) async throws -> String {
        let file = try await variable("ADMIN_PASSWORD_FILE", of: stack)
        let password = try String(contentsOfFile: file, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let email = try await variable("ADMIN_EMAIL", of: stack)
        let signedIn = try await stack.curl(
            "POST",
            "/users/login",
            json: #"{"email":"\#(email)","password":"\#(password)"}"#
        )
        try #require(signedIn.status == 200, "\(signedIn)")
        return signedIn.text("access_token")
    }

    private func variable(_ name: String, of stack: RunningStack) async throws -> String {
        let lines = try await stack.run(["env"]).output.split(separator: "\n")
        let line = lines.first { $0.hasPrefix("\(name)=") }
        return String(try #require(line, "stack env has no \(name)").dropFirst(name.count + 1))
    }
}
