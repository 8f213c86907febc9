import Foundation
import Testing

/// A user service of which one instance has too much to do to answer.
@Suite(.serialized) struct SlowInstanceTests {
    /// A line of the gateway's access log about the profile.
    private struct Line: Decodable {
        var path: String?
        var status: Int?
        var ms: Double?
        var upstream_instance: String?
        var tries: Int?
    }

    private static func lines(_ stack: RunningStack) async throws -> [Line] {
        let log = try await stack.run(["logs", "gateway", "-n", "500"]).output
        return log.split(separator: "\n").compactMap { line in
            guard let start = line.firstIndex(of: "{") else { return nil }
            return try? JSONDecoder().decode(Line.self, from: Data(line[start...].utf8))
        }.filter { $0.path == "/users/me" }
    }

    @Test func `an instance that hangs is given up after two seconds and another one answers`()
        async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "user=2"]) { stack in
            let shopper = try await Shopper(stack)
            try await stack.must("pause", "user.1")
            // Many at once: one alone would go to the instance that has nothing in flight.
            let waits = try await withThrowingTaskGroup(of: Duration.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        let start = ContinuousClock.now
                        let profile = try await shopper.get("/users/me")
                        #expect(profile.status == 200, "\(profile)")
                        return ContinuousClock.now - start
                    }
                }
                return try await group.reduce(into: [Duration]()) { $0.append($1) }
            }
            #expect(
                (waits.max() ?? .zero) >= .seconds(2),
                "the instance that hangs was never asked"
            )
            let lines = try await Self.lines(stack)
            let retried = try #require(lines.first { $0.tries == 2 }, "\(lines)")
            #expect(retried.status == 200)
            #expect(retried.ms ?? 0 >= 2000)
            let instance = try #require(retried.upstream_instance)
            #expect(lines.allSatisfy { $0.upstream_instance == instance }, "\(lines)")

            try await stack.must("resume", "user.1")
            #expect(try await shopper.get("/users/me").status == 200)
        }
    }
}
