internal import HTTP
internal import Reactor

extension Stage {
    /// Brings troubles about, each at its time and beside the others, and mends them; ends when all are
    /// over.
    ///
    /// - Returns: how many came about.
    @discardableResult
    func endure(_ troubles: [ChaosPlan.Trouble], since start: Deadline) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for trouble in troubles {
                group.addTask {
                    try await EventLoop.sleep(until: start.advanced(by: .seconds(trouble.at)))
                    Terminal.say(Self.time(since: start) + trouble.line)
                    let isBegun = await begin(trouble)
                    try? await EventLoop.sleep(for: .seconds(trouble.lasts))
                    await mend(trouble)
                    return isBegun
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    /// How long ago that was, for the front of a line.
    static func time(since start: Deadline) -> String {
        let seconds = (Deadline.now.nanoseconds - start.nanoseconds) / 1_000_000_000
        return Figure.padded("\(seconds) s", 6) + "  "
    }

    private func begin(_ trouble: ChaosPlan.Trouble) async -> Bool {
        switch trouble.kind {
        case .kill: return await act(.kill, on: trouble.target)
        case .pause: return await act(.pause, on: trouble.target)
        case .fault(let rule, _):
            // Whoever was killed by another trouble meanwhile takes no faults.
            do { try await admin.add(rule, to: trouble.target) } catch { return false }
            return true
        }
    }

    private func mend(_ trouble: ChaosPlan.Trouble) async {
        await mending {
            switch trouble.kind {
            case .kill: _ = await act(.start, on: trouble.target)
            case .pause: _ = await act(.resume, on: trouble.target)
            case .fault(let rule, _):
                await admin.clear(trouble.target, of: rule["name"]?.string)
            }
        }
    }

    /// Two troubles may meet at one process: what cannot be done is no reason to stop.
    private func act(_ verb: Verb, on member: Member) async -> Bool {
        do {
            try await platform.act(verb, on: [member])
            return true
        } catch {
            Terminal.note("        \(error)")
            return false
        }
    }
}
