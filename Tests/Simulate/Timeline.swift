/// What happens at some instant of virtual time.
enum Occurrence {
    /// A customer places the order, or asks for its cancellation.
    case place(replica: Int)
    case cancel(replica: Int)
    /// A request reaches a participant. `drive` and `token` say who waits for the answer.
    case request(Request, drive: Int, token: Int)
    /// The payment service goes on with a request that it works on.
    case payment(PaymentWork)
    /// An answer reaches whoever drives the saga, or the wait for it is over.
    case answer(SagaAnswer, drive: Int, token: Int)
    /// A saga is claimed again by its driver, after a commit without an answer.
    case reclaim(drive: Int, token: Int)
    /// A commit that starts a saga reaches the order database; nobody hears of it.
    case begin(SagaKind, replica: Int, incarnation: Int)
    /// A commit reaches the order database.
    case commit(drive: Int, token: Int, tellsBack: Bool)
    /// A pause is over.
    case resume(drive: Int, token: Int)
    /// A replica looks for sagas to adopt.
    case poll(replica: Int)
    /// A replica is killed, or comes back.
    case kill(replica: Int)
    case start(replica: Int)
    /// A replica stands still, as under SIGSTOP.
    case freeze(replica: Int, milliseconds: Int)
}

/// What is yet to happen, the earliest first; a binary heap.
struct Timeline {
    private struct Entry {
        let at: Int
        let order: Int
        let occurrence: Occurrence

        func precedes(_ other: Entry) -> Bool {
            at < other.at || (at == other.at && order < other.order)
        }
    }

    private var heap: [Entry] = []
    private var count = 0

    mutating func add(_ occurrence: Occurrence, at: Int) {
        count += 1
        heap.append(Entry(at: at, order: count, occurrence: occurrence))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The next occurrence and its time; nil when nothing is left.
    mutating func next() -> (at: Int, occurrence: Occurrence)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.at, first.occurrence) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != parent else { break }
            heap.swapAt(least, parent)
            parent = least
        }
        return (first.at, first.occurrence)
    }
}
