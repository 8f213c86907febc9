/// Names one scheduled piece of work, to cancel it.
public struct TimerID: Hashable, Sendable {
    let number: UInt64
}

/// What is due when: a binary heap by deadline, ties in the order they were added.
///
/// Cancelling forgets the work at once and leaves its heap entry behind; entries left behind are
/// swept out when they outnumber the live ones, so neither memory nor time grows with cancellations.
struct TimerQueue<Work> {
    private struct Entry {
        let deadline: Deadline
        let number: UInt64

        func precedes(_ other: Entry) -> Bool {
            deadline == other.deadline ? number < other.number : deadline < other.deadline
        }
    }

    private var heap: [Entry] = []
    private var work: [UInt64: Work] = [:]
    private var lastNumber: UInt64 = 0

    /// How many timers are live.
    var count: Int { work.count }

    /// How many heap entries are held, live and cancelled.
    var entries: Int { heap.count }

    mutating func add(_ item: Work, at deadline: Deadline) -> TimerID {
        lastNumber += 1
        work[lastNumber] = item
        heap.append(Entry(deadline: deadline, number: lastNumber))
        siftUp(heap.count - 1)
        return TimerID(number: lastNumber)
    }

    /// Cancels a timer; one that has run or was cancelled is ignored.
    mutating func cancel(_ id: TimerID) {
        guard work.removeValue(forKey: id.number) != nil else { return }
        if heap.count > 64, heap.count > 2 * work.count { sweep() }
    }

    /// When the next live timer is due; nil when there is none.
    mutating func nextDeadline() -> Deadline? {
        while let first = heap.first {
            if work[first.number] != nil { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Removes and returns the first work that is due at `now`; nil when nothing is.
    mutating func popDue(at now: Deadline) -> Work? {
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let due = work.removeValue(forKey: first.number) { return due }
        }
        return nil
    }

    private mutating func sweep() {
        heap.removeAll { work[$0.number] == nil }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[first]) {
                first = child
            }
            guard first != parent else { return }
            heap.swapAt(parent, first)
            parent = first
        }
    }
}
