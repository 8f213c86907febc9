/// A trace that is kept: why, its first span here, and all of its spans here.
public struct KeptTrace: Sendable {
    /// Why it is kept.
    public let reason: TailPolicy.Reason
    /// The process's first span of it.
    public let root: TraceSpan
    /// All its spans in this process, in the order they ended.
    public internal(set) var spans: [TraceSpan]
}

/// The traces that a loop keeps, oldest first; the oldest goes when there is no room.
struct KeptTraces {
    /// Most spans of one trace: a saga that is retried for hours must not displace all others.
    static let spansPerTrace = 500

    private let traceLimit: Int
    private let spanLimit: Int
    private var traces: [TraceID: KeptTrace] = [:]
    private var order: [TraceID] = []
    private var spanCount = 0
    /// Traces that had to go.
    private(set) var evicted = 0
    /// Spans that found no room in their trace.
    private(set) var cut = 0

    init(traces: Int, spans: Int) {
        precondition(traces > 0 && spans > 0)
        traceLimit = traces
        spanLimit = spans
    }

    var count: Int { order.count }

    /// Whether a trace is kept already, so that what follows belongs to it.
    func holds(_ span: TraceSpan) -> Bool {
        !order.isEmpty && traces[TraceID(high: span.traceHigh, low: span.traceLow)] != nil
    }

    /// Keeps spans of the trace of `root`; returns those that found room.
    mutating func add(_ spans: [TraceSpan], of root: TraceSpan, _ reason: TailPolicy.Reason)
        -> [TraceSpan]
    {
        let key = TraceID(high: root.traceHigh, low: root.traceLow)
        if traces[key] == nil {
            traces[key] = KeptTrace(reason: reason, root: root, spans: [])
            order.append(key)
        }
        let room = Self.spansPerTrace - (traces[key]?.spans.count ?? 0)
        let taken = Array(spans.prefix(max(0, room)))
        cut += spans.count - taken.count
        traces[key]?.spans += taken
        spanCount += taken.count
        makeRoom(sparing: key)
        return taken
    }

    private mutating func makeRoom(sparing last: TraceID) {
        while order.count > traceLimit || spanCount > spanLimit {
            guard let oldest = order.first(where: { $0 != last }) else { return }
            order.removeAll { $0 == oldest }
            spanCount -= traces.removeValue(forKey: oldest)?.spans.count ?? 0
            evicted += 1
        }
    }

    /// The spans of a trace; none when it is not kept.
    func spans(_ high: UInt64, _ low: UInt64) -> [TraceSpan] {
        traces[TraceID(high: high, low: low)]?.spans ?? []
    }

    /// All of them, newest first.
    var all: [KeptTrace] { order.reversed().compactMap { traces[$0] } }
}
