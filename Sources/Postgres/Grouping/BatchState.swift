/// Who goes with which batch.
///
/// One batch is on its way at a time. Who comes meanwhile waits and goes with the next one, so under
/// load one commit serves many, and without load nobody waits. Pure: the shell starts tasks, runs
/// batches and wakes callers.
struct BatchState<Item, Key: Hashable, Waiter> {
    struct Limits {
        /// The most items in one batch.
        var items = 64
        /// The most items that wait; one more is refused.
        var queued = 1024
    }

    struct Entry {
        let ticket: UInt64
        /// Items with the same key never share a batch; nil is like no other.
        let key: Key?
        let item: Item
        let waiter: Waiter
    }

    let limits: Limits
    private var queue: [Entry] = []
    private var lastTicket: UInt64 = 0
    /// A batch is on its way, or about to be loaded.
    private(set) var isUnderWay = false

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    var waiting: Int { queue.count }

    /// Queues an item; the ticket names it to `leave`.
    ///
    /// Nil when the queue is full.
    mutating func join(_ item: Item, key: Key?, _ waiter: Waiter) -> UInt64? {
        guard queue.count < limits.queued else { return nil }
        lastTicket += 1
        queue.append(Entry(ticket: lastTicket, key: key, item: item, waiter: waiter))
        return lastTicket
    }

    /// Whether the caller must see to the next batch: somebody waits and nobody else is at it.
    mutating func claim() -> Bool {
        guard !isUnderWay, !queue.isEmpty else { return false }
        isUnderWay = true
        return true
    }

    /// Takes the next batch out of the queue, oldest first; empty when all have left since `claim`.
    mutating func load() -> [Entry] {
        var batch: [Entry] = []
        var rest: [Entry] = []
        var keys: Set<Key> = []
        for entry in queue {
            if batch.count < limits.items, entry.key.map({ keys.insert($0).inserted }) ?? true {
                batch.append(entry)
            } else {
                rest.append(entry)
            }
        }
        queue = rest
        if batch.isEmpty { isUnderWay = false }
        return batch
    }

    /// The batch has ended, well or not.
    mutating func finish() {
        isUnderWay = false
    }

    /// A caller gives up; true when its item was still waiting, and so is certainly not done.
    mutating func leave(_ ticket: UInt64) -> Bool {
        guard let index = queue.firstIndex(where: { $0.ticket == ticket }) else { return false }
        queue.remove(at: index)
        return true
    }
}
