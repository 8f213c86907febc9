internal import Reactor
internal import Synchronization

/// The spans of one event loop: all of the last ones, and the traces that are kept.
///
/// Safe to send (`@unchecked Sendable`): the loop's thread alone touches it, which `preconditionIsCurrent`
/// checks for readers and ``Tracer/take(_:)`` for writers; the counts are atomics.
final class LoopTraces: @unchecked Sendable {
    let loop: EventLoop
    private let policy: TailPolicy
    private let keep: @Sendable ([TraceSpan]) -> Void
    private let found: @Sendable (TraceID) -> Void
    private var ring: SpanRing
    private var kept: KeptTraces
    private var budget: KeepBudget
    let counts = TraceCounts()

    init(
        _ loop: EventLoop,
        _ limits: Tracer.Limits,
        _ policy: TailPolicy,
        keep: @escaping @Sendable ([TraceSpan]) -> Void,
        found: @escaping @Sendable (TraceID) -> Void
    ) {
        self.loop = loop
        self.policy = policy
        self.keep = keep
        self.found = found
        ring = SpanRing(capacity: limits.recentSpans)
        kept = KeptTraces(traces: limits.keptTraces, spans: limits.keptSpans)
        budget = KeepBudget(perSecond: policy.keptPerSecond)
    }

    /// Takes in a span; at the end of the process's first one the trace is kept or left to be forgotten.
    func take(_ span: TraceSpan) {
        ring.append(span)
        counts.spans.add(1)
        guard span.isLocalRoot else { return }
        let isKnown = kept.holds(span)
        guard let reason = policy.reason(for: span) ?? (isKnown ? .sampled : nil) else { return }
        guard isKnown || budget.take(at: span.end) else { return counts.refused.add(1) }
        store(ring.take(span.traceHigh, span.traceLow), of: span, reason, isNew: !isKnown)
        // What was chosen where it began, every process knows of by itself.
        if !isKnown, reason == .error || reason == .slow {
            found(TraceID(high: span.traceHigh, low: span.traceLow))
        }
    }

    private func store(
        _ spans: [TraceSpan],
        of root: TraceSpan,
        _ reason: TailPolicy.Reason,
        isNew: Bool
    ) {
        let before = (kept.evicted, kept.cut)
        let spans = kept.add(spans, of: root, reason)
        if isNew { counts.kept.add(1) }
        counts.evicted.add(kept.evicted - before.0)
        counts.cut.add(kept.cut - before.1)
        if !spans.isEmpty { keep(spans) }
    }

    /// Keeps what the ring still has of traces that another process keeps.
    func keep(_ ids: [TraceID], at now: Deadline) {
        loop.preconditionIsCurrent()
        for id in ids {
            let spans = ring.take(id.high, id.low)
            guard let root = spans.first(where: \.isLocalRoot) ?? spans.first else { continue }
            let isNew = !kept.holds(root)
            guard !isNew || budget.take(at: now) else {
                counts.refused.add(1)
                continue
            }
            store(spans, of: root, .asked, isNew: isNew)
        }
    }

    // MARK: Reading

    /// All spans of a trace that are still here.
    func spans(_ high: UInt64, _ low: UInt64) -> [TraceSpan] {
        loop.preconditionIsCurrent()
        return kept.spans(high, low)
            + ring.unkept { $0.traceLow == low && $0.traceHigh == high }
    }

    /// The first spans of traces that are kept, newest first.
    func keptTraces() -> [KeptTrace] {
        loop.preconditionIsCurrent()
        return kept.all
    }

    /// The first spans of the last traces, kept or not, newest first.
    func recentRoots() -> [TraceSpan] {
        loop.preconditionIsCurrent()
        return kept.all.map(\.root) + ring.unkept { $0.isLocalRoot }
    }
}

/// What a loop counts about its traces, for the metrics.
final class TraceCounts: Sendable {
    /// A number that one thread adds to and any reads, so adding needs no locked instruction.
    struct Count: ~Copyable {
        private let number = Atomic<Int>(0)

        borrowing func add(_ amount: Int) {
            number.store(number.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
        }

        var value: Int { number.load(ordering: .relaxed) }
    }

    let spans = Count()
    let kept = Count()
    let refused = Count()
    let evicted = Count()
    let cut = Count()
}
