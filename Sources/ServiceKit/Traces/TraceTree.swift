/// A trace put together from what processes told of it: each span below the one that caused it.
struct TraceTree: Sendable, Encodable {
    /// A span, where it happened, and what it caused.
    struct Node: Sendable, Encodable {
        let span: SpanReport
        let service: String
        let instance: String
        /// From the trace's begin to this span's.
        let offset: Double
        var children: [Node]

        enum CodingKeys: String, CodingKey {
            case span, service, instance, children
            case offset = "offset_ms"
        }
    }

    /// The deepest that spans are nested in an answer; what is deeper stands beside its parent.
    static let maxDepth = 64

    let traceID: String
    let spanCount: Int
    /// From the first begin to the last end.
    let milliseconds: Double
    /// Who told something.
    let instances: [String]
    /// Whether every process that was asked told its part.
    let isComplete: Bool
    let missing: [MissingPart]
    /// Spans whose cause is unknown or outside of the platform.
    let roots: [Node]

    enum CodingKeys: String, CodingKey {
        case milliseconds, instances, missing, roots
        case traceID = "trace_id"
        case spanCount = "spans"
        case isComplete = "complete"
    }

    init(id: String, parts: [TracePart], missing: [MissingPart]) {
        traceID = id
        self.missing = missing
        isComplete = missing.isEmpty
        let entries = Self.unique(parts)
        spanCount = entries.count
        instances = Array(Set(entries.map(\.instance))).sorted()
        let start = entries.map(\.span.start).min() ?? 0
        milliseconds =
            entries.map { Self.offset($0.span, start) + $0.span.milliseconds }.max() ?? 0
        roots = Self.tree(entries, from: start)
    }

    private struct Entry {
        let span: SpanReport
        let service: String
        let instance: String
    }

    /// Each span once: two ways may lead to one process.
    private static func unique(_ parts: [TracePart]) -> [Entry] {
        var seen: Set<String> = []
        var entries: [Entry] = []
        for part in parts {
            for span in part.spans where seen.insert(span.spanID).inserted {
                entries.append(Entry(span: span, service: part.service, instance: part.instance))
            }
        }
        return entries.sorted { $0.span.start < $1.span.start }
    }

    private static func tree(_ entries: [Entry], from start: UInt64) -> [Node] {
        let known = Set(entries.map(\.span.spanID))
        var children: [String: [Entry]] = [:]
        var tops: [Entry] = []
        for entry in entries {
            if let parent = entry.span.parentID, known.contains(parent), parent != entry.span.spanID
            {
                children[parent, default: []].append(entry)
            } else {
                tops.append(entry)
            }
        }
        var placed: Set<String> = []
        func node(_ entry: Entry, _ depth: Int) -> Node {
            placed.insert(entry.span.spanID)
            // A loop of parents, which only a faulty process tells, must not become one of ours.
            let below = (depth < maxDepth ? children[entry.span.spanID] ?? [] : [])
                .filter { !placed.contains($0.span.spanID) }
            return Node(
                span: entry.span,
                service: entry.service,
                instance: entry.instance,
                offset: offset(entry.span, start),
                children: below.map { node($0, depth + 1) }
            )
        }
        var roots = tops.map { node($0, 0) }
        for entry in entries where !placed.contains(entry.span.spanID) {
            roots.append(node(entry, 0))
        }
        return roots
    }

    private static func offset(_ span: SpanReport, _ start: UInt64) -> Double {
        Double((max(span.start, start) - start) / 1_000) / 1_000
    }
}
