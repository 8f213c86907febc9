/// The spans that ended last; each new one takes the place of the oldest.
///
/// Memory grows with use up to the capacity and no further.
struct SpanRing {
    private struct Slot {
        var span: TraceSpan
        /// Whether it was copied to where kept traces are.
        var isKept = false
    }

    let capacity: Int
    private var slots: [Slot] = []
    private var next = 0

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    var count: Int { slots.count }

    mutating func append(_ span: TraceSpan) {
        guard slots.count == capacity else { return slots.append(Slot(span: span)) }
        slots[next] = Slot(span: span)
        next = next + 1 == capacity ? 0 : next + 1
    }

    /// The spans of a trace that were not taken before, oldest first; they stay here as well.
    mutating func take(_ high: UInt64, _ low: UInt64) -> [TraceSpan] {
        var found: [TraceSpan] = []
        for step in slots.indices {
            let index = place(step)
            // Looked at where it lies: a copy of each would count its references.
            guard slots[index].span.traceLow == low, slots[index].span.traceHigh == high,
                !slots[index].isKept
            else { continue }
            slots[index].isKept = true
            found.append(slots[index].span)
        }
        return found
    }

    /// The spans that satisfy a condition and are here alone, newest first.
    func unkept(where condition: (TraceSpan) -> Bool) -> [TraceSpan] {
        slots.indices.reversed().compactMap { step in
            let slot = slots[place(step)]
            return !slot.isKept && condition(slot.span) ? slot.span : nil
        }
    }

    /// Where the span is that is number `step` from the oldest.
    private func place(_ step: Int) -> Int {
        let index = next + step
        return index < slots.count ? index : index - slots.count
    }
}
