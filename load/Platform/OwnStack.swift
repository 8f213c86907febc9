internal import FoundationEssentials
internal import Reactor

/// A stack of an experiment's own: in a new folder and on a free port, and gone afterwards.
struct OwnStack: Sendable {
    let data: String
    let port: UInt16

    private static let program = Program.sibling("stack")
    private static let startTime = Duration.seconds(180)

    /// Brings a stack up for the length of `body`, and takes it down whatever happens.
    ///
    /// - Parameter words: further words for `stack up`.
    /// - Throws: `Shop.Failed` when it does not come up; whatever `body` throws.
    static func with<Value: Sendable>(
        _ words: [String],
        _ body: (OwnStack) async throws -> Value
    ) async throws -> Value {
        let name = "/tmp/anyway-own-\(UInt64.random(in: 0 ... .max))"
        let stack = OwnStack(data: name, port: try Listener.bind(.loopback(port: 0)).address.port)
        do {
            try await stack.up(words)
            let value = try await body(stack)
            await stack.down()
            return value
        } catch {
            await stack.down()
            throw error
        }
    }

    private func up(_ words: [String]) async throws {
        let outcome = try await Program.run(
            Self.program,
            ["up", "--data", data, "--port", "\(port)", "--faults", "--detach"] + words,
            within: Self.startTime
        )
        guard outcome.succeeded else {
            throw Shop.Failed(description: "a stack of its own did not come up: \(outcome.text)")
        }
    }

    /// Runs to its end even when the experiment was stopped in the middle.
    private func down() async {
        await Task(executorPreference: EventLoop.required) { [data] in
            let outcome = try? await Program.run(Self.program, ["down", "--wipe", "--data", data])
            guard outcome?.succeeded == true else {
                return Terminal.note("stack down --wipe --data \(data) is left to you")
            }
            try? FileManager.default.removeItem(atPath: data)
        }.value
    }
}
