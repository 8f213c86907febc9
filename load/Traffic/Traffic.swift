internal import Reactor

/// Sends customers to the shop until the time is up.
struct Traffic: Sendable {
    /// How customers come.
    enum Pattern: Sendable, Equatable {
        /// So many at the same time, each waiting for an answer and then for a while.
        case users(Int, think: Duration)
        /// At their own time, whether or not earlier ones were answered.
        case arrivals(Shape, poisson: Bool)
    }

    /// The most requests that may wait for an answer; what is due beyond is counted and not sent.
    static let maxWaiting = 8000

    let mix: Mix
    let pattern: Pattern
    let customers: [Customer]
    let recorder: Recorder

    /// Runs from now to the end; what is under way then is waited for.
    func run(until end: Deadline) async {
        switch pattern {
        case .users(let count, let think): await closed(count, think, until: end)
        case .arrivals(let shape, let poisson):
            await open(poisson ? Arrivals(poisson: shape) : Arrivals(shape), until: end)
        }
    }

    /// How long those who wait when nobody more is sent may wait: longer than any of them does for an answer.
    private static let patience = Duration.seconds(25)

    /// Runs while `body` does; then sends nobody more, and waits for those who wait for an answer.
    ///
    /// Whoever is interrupted has no answer, which would count as the shop's failure.
    func run<Value: Sendable>(
        beside body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        recorder.admit(true)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await run(until: .never) }
            let value: Value
            do {
                value = try await body()
                recorder.admit(false)
                let end = Deadline.after(Self.patience)
                while recorder.inFlight > 0, !end.hasPassed {
                    try await EventLoop.sleep(for: .milliseconds(20))
                }
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            return value
        }
    }

    private func closed(_ count: Int, _ think: Duration, until end: Deadline) async {
        await withDiscardingTaskGroup { group in
            for number in 0..<count {
                let customer = customers[number % customers.count]
                group.addTask {
                    while !end.hasPassed, !Task.isCancelled {
                        _ = recorder.begin(limit: .max)
                        await customer.act(
                            mix.scenario(at: .random(in: 0..<1)),
                            expecting: think > .zero ? think : nil,
                            until: end
                        )
                        recorder.end()
                        guard think > .zero else { continue }
                        // Nobody thinks exactly as long as the others.
                        let pause = think * Double.random(in: 0.5..<1.5)
                        try? await EventLoop.sleep(until: end.or(earlier: .after(pause)))
                    }
                }
            }
        }
    }

    private func open(_ arrivals: Arrivals, until end: Deadline) async {
        let start = Deadline.now
        var arrivals = arrivals
        var number = 0
        await withDiscardingTaskGroup { group in
            while let seconds = arrivals.next(), !Task.isCancelled {
                let due = start.advanced(by: .seconds(seconds))
                guard due < end else { break }
                if due > .now {
                    guard (try? await EventLoop.sleep(until: due)) != nil else { break }
                }
                guard recorder.begin(limit: Self.maxWaiting) else { continue }
                let customer = customers[number % customers.count]
                number += 1
                group.addTask {
                    await customer.act(
                        mix.scenario(at: .random(in: 0..<1)),
                        due: due,
                        until: end
                    )
                    recorder.end()
                }
            }
        }
    }
}
