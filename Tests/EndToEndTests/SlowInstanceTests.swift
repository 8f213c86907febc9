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

    /// Asks for the profile three times at once, each time with success; how long the slowest took.
    @discardableResult
    private static func ask(_ shopper: Shopper) async throws -> Duration {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let start = ContinuousClock.now
                    let profile = try await shopper.get("/users/me")
                    #expect(profile.status == 200, "\(profile)")
                    return ContinuousClock.now - start
                }
            }
            return try await group.reduce(.zero) { max($0, $1) }
        }
    }

    @Test func `an instance that hangs is given up after two seconds and another one answers`()
        async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "user=2"]) { stack in
            let shopper = try await Shopper(stack)
            // One that was not there yet when it was first asked is out until it is.
            for _ in 0..<60
            where try await Set(Self.lines(stack).map(\.upstream_instance)).count < 2 {
                try await Self.ask(shopper)
                try await Task.sleep(for: .milliseconds(250))
            }
            try await stack.must("pause", "user.1")
            // Which instance is asked is chance, and one that is new is asked less.
            var waited: Duration = .zero
            for _ in 0..<30 where waited < .seconds(2) { waited = try await Self.ask(shopper) }
            #expect(waited >= .seconds(2), "the instance that hangs was never asked")
            let lines = try await Self.lines(stack)
            let retried = try #require(lines.first { $0.tries == 2 }, "\(lines)")
            #expect(retried.status == 200)
            #expect(retried.ms ?? 0 >= 2000)
            let instance = try #require(retried.upstream_instance)
            let late = lines.filter { $0.ms ?? 0 >= 2000 }
            #expect(late.allSatisfy { $0.upstream_instance == instance }, "\(lines)")

            try await stack.must("resume", "user.1")
            #expect(try await shopper.get("/users/me").status == 200)
        }
    }
}
