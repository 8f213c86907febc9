internal import HTTP
internal import Mesh
internal import Reactor
internal import ServiceKit

/// Asks the platform's processes to keep their parts of the traces that went wrong here.
///
/// Most requests that fail or take long do so in one process; the others' parts, which went well, would be
/// forgotten. The gateway sees every request to its end, so it is the one that asks, soon, while the
/// others still remember.
struct TraceSpreader: Sendable {
    static let interval = Duration.milliseconds(250)
    /// How long an instance may take to answer.
    static let limit = Duration.seconds(1)

    let found: FoundTraces
    let upstreams: @Sendable () -> [Upstream]

    /// Asks every so often until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await EventLoop.sleep(for: Self.interval) } catch { return }
            await spread()
        }
    }

    /// Asks for what was found since the last time.
    ///
    /// A process that does not answer has lost no more than it would have anyway.
    func spread() async {
        let traces = found.take()
        guard !traces.isEmpty,
            let request = try? ClientRequest.json(.post, "/debug/traces/keep", KeepRequest(traces))
        else { return }
        await withDiscardingTaskGroup { group in
            for upstream in upstreams() {
                group.addTask { _ = await upstream.askEach(request, within: Self.limit) }
            }
        }
    }
}
