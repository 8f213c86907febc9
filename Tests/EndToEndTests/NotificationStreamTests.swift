import Foundation
import Testing

/// News as it is written, from the order's commit to the customer's connection.
@Suite(.serialized) struct NotificationStreamTests {
    @Test func `a customer's stream tells of their orders, and goes on where it was`() async throws
    {
        try await RunningStack.with { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            async let listening = listen(stack, shopper, for: 10)
            try await Task.sleep(for: .seconds(2))
            let first = try await shopper.order(product).text("id")
            let told = try await listening
            #expect(told.headers["content-type"] == "text/event-stream")
            #expect(told.body.hasPrefix("event: begin\n"), "\(told)")
            #expect(told.body.contains(first), "\(told)")

            let seen = told.body.split(separator: "\n").last { $0.hasPrefix("id: ") }
            let id = try #require(seen).dropFirst(4)
            let second = try await shopper.order(product).text("id")
            let rest = try await listen(stack, shopper, for: 8, ["Last-Event-ID: \(id)"])
            #expect(rest.body.contains(second) && !rest.body.contains(first), "\(rest)")

            let stranger = try await stack.curl("GET", "/notifications/stream")
            #expect(stranger.status == 401)
        }
    }

    private func listen(
        _ stack: RunningStack,
        _ shopper: Shopper,
        for seconds: Int,
        _ headers: [String] = []
    ) async throws -> Answer {
        try await stack.curl(
            "GET",
            "/notifications/stream",
            token: shopper.token,
            headers: ["Accept: text/event-stream"] + headers,
            within: seconds
        )
    }
}
