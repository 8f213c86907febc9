public import Reactor
internal import Synchronization

/// Keeps the spans of a process: each event loop its own, so that a span costs no lock.
///
/// All spans stay for a while, in a ring of fixed size. The traces that went wrong, took long or were
/// chosen where they began stay longer, and are handed to whoever exports them.
public final class Tracer: Sendable {
    /// What one event loop holds at most.
    public struct Limits: Sendable {
        /// Spans of any trace, the last ones.
        public var recentSpans = 4_096
        /// Traces that are kept.
        public var keptTraces = 200
        /// Spans of those together.
        public var keptSpans = 4_096

        /// The defaults.
        public init() {}
    }

    /// What is kept.
    public let policy: TailPolicy
    private let places: [LoopTraces]
    /// Spans that ended outside of the loops, where nobody keeps them.
    private let strays = Atomic<Int>(0)

    /// Makes a tracer.
    ///
    /// Both are told on the loop that did the work, and must not block.
    ///
    /// - Parameters:
    ///   - keep: told of the spans of each trace that is kept.
    ///   - found: told of each trace that this process finds to be worth keeping, for whoever asks other
    ///     processes to keep their parts too.
    public init(
        loops: [EventLoop],
        policy: TailPolicy = TailPolicy(),
        limits: Limits = Limits(),
        keep: @escaping @Sendable ([TraceSpan]) -> Void = { _ in },
        found: @escaping @Sendable (TraceID) -> Void = { _ in }
    ) {
        self.policy = policy
        places = loops.map { LoopTraces($0, limits, policy, keep: keep, found: found) }
    }

    /// Takes in a span that has ended, on the loop where it did.
    func take(_ span: TraceSpan) {
        if let loop = EventLoop.current {
            for place in places where place.loop === loop { return place.take(span) }
        }
        strays.add(1, ordering: .relaxed)
    }

    /// Keeps what is still here of traces that another process keeps; the second's budget counts.
    public func keep(_ ids: [TraceID]) async {
        _ = await gather { place in
            place.keep(ids, at: .now)
            return [Int]()
        }
    }

    // MARK: Reading

    /// The spans of a trace that this process still has.
    public func spans(traceHigh: UInt64, traceLow: UInt64) async -> [TraceSpan] {
        await gather { $0.spans(traceHigh, traceLow) }
    }

    /// The first spans of the last traces, newest first.
    public func recent(limit: Int) async -> [TraceSpan] {
        await gather { Array($0.recentRoots().prefix(limit)) }
            .sorted { $0.end > $1.end }
            .prefixArray(limit)
    }

    /// The traces that are kept for a reason, newest first.
    public func kept(for reason: TailPolicy.Reason, limit: Int) async -> [KeptTrace] {
        await gather { place in place.keptTraces().filter { $0.reason == reason } }
            .sorted { $0.root.end > $1.root.end }
            .prefixArray(limit)
    }

    /// Asks every loop, each on its own thread.
    private func gather<Value: Sendable>(
        _ read: @escaping @Sendable (LoopTraces) -> [Value]
    ) async -> [Value] {
        await withTaskGroup(of: [Value].self) { group in
            for place in places {
                group.addTask(executorPreference: place.loop) { read(place) }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    // MARK: Counting

    /// Shows what was recorded, kept and lost.
    public func show(in metrics: Metrics) {
        metrics.collect("trace_spans_total", "Spans that ended.", kind: .counter) { [self] in
            [Sample([], Double(places.reduce(0) { $0 + $1.counts.spans.value }))]
        }
        metrics.collect("traces_kept_total", "Traces kept.", kind: .counter) { [self] in
            [Sample([], Double(places.reduce(0) { $0 + $1.counts.kept.value }))]
        }
        metrics.collect(
            "traces_lost_total",
            "Traces not kept over the budget or gone for newer ones, and spans without room.",
            kind: .counter,
            labels: ["why"]
        ) { [self] in
            let counts = places.map(\.counts)
            return [
                Sample(["budget"], Double(counts.reduce(0) { $0 + $1.refused.value })),
                Sample(["evicted"], Double(counts.reduce(0) { $0 + $1.evicted.value })),
                Sample(["long-trace"], Double(counts.reduce(0) { $0 + $1.cut.value })),
                Sample(["off-loop"], Double(strays.load(ordering: .relaxed))),
            ]
        }
    }
}

extension Array {
    fileprivate func prefixArray(_ count: Int) -> [Element] { Array(prefix(count)) }
}
