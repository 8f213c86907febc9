public import Reactor

/// A span that has begun and not ended: bind ``context`` for the work inside it, then `end` it once.
///
/// There is one only where the process keeps spans, so code that makes them costs nothing elsewhere:
///
///     let span = TraceContext.current?.begin()
///     …
///     span?.end(.words("call", "product"), .client)
public struct OpenSpan: Sendable {
    /// The trace as work inside the span sees it.
    public let context: TraceContext
    private let tracer: Tracer
    private let parent: UInt64
    private let start: Deadline
    private let isLocalRoot: Bool

    fileprivate init(
        _ context: TraceContext,
        _ tracer: Tracer,
        below parent: UInt64,
        at start: Deadline,
        isLocalRoot: Bool
    ) {
        self.context = context
        self.tracer = tracer
        self.parent = parent
        self.start = start
        self.isLocalRoot = isLocalRoot
    }

    /// Whether it goes on a trace that began elsewhere.
    public var hasParent: Bool { parent != 0 }

    /// Ends the span; call it on the event loop that did the work.
    ///
    /// - Parameter failure: why it failed, without secrets or values; nil when it did not.
    public func end(
        _ name: SpanName,
        _ kind: SpanKind,
        _ detail: SpanDetail = .none,
        failure: String? = nil
    ) {
        tracer.take(
            TraceSpan(
                traceHigh: context.traceHigh,
                traceLow: context.traceLow,
                id: context.spanID,
                parent: parent,
                start: start,
                end: .now,
                name: name,
                kind: kind,
                detail: detail,
                failure: failure,
                isSampled: context.isSampled,
                isLocalRoot: isLocalRoot
            )
        )
    }
}

extension TraceContext {
    /// Begins a span below this one; nil where the trace's spans are not kept.
    public func begin(at start: @autoclosure () -> Deadline = .now) -> OpenSpan? {
        guard let tracer else { return nil }
        return OpenSpan(child(), tracer, below: spanID, at: start(), isLocalRoot: false)
    }

    /// Begins a span below this one that decides by itself whether the trace is kept: for work that
    /// goes on when its cause has ended.
    public func beginApart() -> OpenSpan? { tracer?.begin(after: self) }
}

extension Tracer {
    /// Begins the process's first span of a trace: of `caller`'s, or of a new one.
    public func begin(after caller: TraceContext?) -> OpenSpan {
        let context = caller?.child(self) ?? .root(self)
        return OpenSpan(
            context,
            self,
            below: caller?.spanID ?? 0,
            at: .now,
            isLocalRoot: true
        )
    }
}
