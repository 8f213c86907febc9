internal import FoundationEssentials
internal import Reactor

/// A stack of an experiment's own: in a new folder and on a free port, and gone afterwards.
struct OwnStack: Sendable {
    let data: String
    private let port: UInt16

    private static let program = Program.sibling("stack")
    /// Told to end, it takes down by itself what it has started.
    private static let starting = Program.Limits(
        time: .seconds(180),
        grace: .seconds(60),
        endsWithTask: true
    )

    /// Brings a stack up for the length of `body`, and takes it down whatever happens.
    ///
    /// - Parameter words: further words for `stack up`.
    /// - Throws: `Shop.Failed` when it does not come up; whatever `body` throws.
    static func with<Value: Sendable>(
        _ words: [String],
        _ body: (OwnStack) async throws -> Value
    ) async throws -> Value {
        let stack = try await up(words)
        do {
            let value = try await body(stack)
            await stack.down()
            return value
        } catch {
            await stack.down()
            throw error
        }
    }

    /// How often another port is tried.
    private static let tries = 3

    /// Brings one up; a port that was free may be taken by the time it is needed, so others are tried.
    private static func up(_ words: [String]) async throws -> OwnStack {
        var complaint = ""
        for _ in 0..<tries {
            let name = "/tmp/anyway-own-\(UInt64.random(in: 0 ... .max))"
            let stack = OwnStack(data: name, port: freePort())
            do {
                let outcome = try await Program.run(
                    program,
                    ["up", "--data", name, "--port", "\(stack.port)", "--faults", "--detach"]
                        + words,
                    within: starting
                )
                if outcome.succeeded, !Task.isCancelled { return stack }
                complaint = outcome.text
            } catch {
                complaint = "\(error)"
            }
            await stack.down()
            try Task.checkCancellation()
        }
        throw Shop.Failed(description: "a stack of its own did not come up: \(complaint)")
    }

    /// A port below those that the kernel gives to whoever calls somebody.
    private static func freePort() -> UInt16 {
        let candidates = (0..<50).map { _ in UInt16.random(in: 20_000..<32_000) }
        return candidates.first { (try? Listener.bind(.loopback(port: $0))) != nil } ?? 20_000
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
