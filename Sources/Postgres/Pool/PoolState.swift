internal import Reactor

/// Who may use which connection of one event loop.
///
/// A connection is either shared, with many callers' statements in its pipeline, or leased to one
/// transaction. At least one is always left for sharing. Pure: the shell opens, sends and resumes.
struct PoolState<Waiter> {
    typealias ID = Int

    struct Limits {
        var connections = 4
        /// Segments in one connection's pipeline.
        var inFlight = 128
        /// Callers waiting for a connection, of either kind.
        var queued = 1024
        /// A pipeline this long opens another connection, so that commits share an fsync.
        var growAt = 4
    }

    enum Kind { case shared, lease }

    enum Decision: Equatable {
        case grant(ID)
        case wait
        case refuse(DatabaseError)
    }

    enum Use { case opening, shared, leased, draining, retiring }

    struct Slot {
        let id: ID
        var use: Use
        var inFlight = 0
        var wasUsed = true
    }

    private struct Queued {
        let ticket: UInt64
        let waiter: Waiter
        let deadline: Deadline
    }

    let limits: Limits
    private(set) var slots: [Slot] = []
    private var sharing = FIFO<Queued>()
    private var leasing = FIFO<Queued>()
    private var nextID: ID = 0
    private var lastTicket: UInt64 = 0
    /// Why the last attempt to connect failed, while no connection is open.
    private(set) var downReason: String?
    /// An attempt failed and its backoff still runs.
    private var isBackingOff = false
    private var isStarted = false
    private(set) var isClosed = false

    init(limits: Limits) {
        var limits = limits
        limits.connections = max(2, limits.connections)
        self.limits = limits
    }

    // MARK: Asking

    /// Decides about a caller; after `.wait` the shell queues it with `enqueue`.
    mutating func request(_ kind: Kind) -> Decision {
        guard !isClosed else { return .refuse(.unavailable("the database is closed")) }
        if let downReason { return .refuse(.unavailable(downReason)) }
        isStarted = true
        let queueIsEmpty = kind == .shared ? sharing.isEmpty : leasing.isEmpty
        if queueIsEmpty, let id = candidate(kind) {
            take(id, kind)
            return .grant(id)
        }
        guard sharing.count + leasing.count < limits.queued else { return .refuse(.overloaded) }
        return .wait
    }

    var nextTicket: UInt64 { lastTicket + 1 }

    mutating func enqueue(_ waiter: Waiter, _ kind: Kind, until deadline: Deadline) {
        lastTicket += 1
        let queued = Queued(ticket: lastTicket, waiter: waiter, deadline: deadline)
        if kind == .shared { sharing.append(queued) } else { leasing.append(queued) }
    }

    /// The next queued caller that can be served, if any.
    ///
    /// Call it after every change until nil.
    mutating func nextGrant() -> (Waiter, ID)? {
        if !leasing.isEmpty, let id = candidate(.lease), let queued = leasing.popFirst() {
            take(id, .lease)
            return (queued.waiter, id)
        }
        if !sharing.isEmpty, let id = candidate(.shared), let queued = sharing.popFirst() {
            take(id, .shared)
            return (queued.waiter, id)
        }
        return nil
    }

    /// A queued caller gave up.
    ///
    /// Nil when it was already served.
    mutating func abandon(_ ticket: UInt64) -> Waiter? {
        let removed =
            sharing.remove { $0.ticket == ticket } + leasing.remove { $0.ticket == ticket }
        return removed.first?.waiter
    }

    /// Takes out the queued callers whose deadline has passed.
    mutating func expire(at now: Deadline) -> [Waiter] {
        let expired = sharing.remove { $0.deadline <= now } + leasing.remove { $0.deadline <= now }
        return expired.map(\.waiter)
    }

    var earliestDeadline: Deadline {
        (sharing.elements + leasing.elements).map(\.deadline).min() ?? .never
    }

    /// What a caller is told whose wait in the queue was too long.
    var waitedTooLong: DatabaseError {
        slots.contains { $0.use != .opening }
            ? .overloaded : .unavailable("connecting took too long")
    }

    /// How much is in use.
    var use: PoolUse {
        PoolUse(
            open: slots.count,
            limit: limits.connections,
            leased: slots.count { $0.use == .leased },
            inFlight: slots.reduce(0) { $0 + $1.inFlight },
            waiting: sharing.count + leasing.count
        )
    }

    // MARK: Connections

    /// A connection worth opening now, which counts from here on.
    ///
    /// Call it until nil.
    mutating func startOpening() -> ID? {
        guard isStarted, !isClosed, !isBackingOff, slots.count < limits.connections, isShort
        else { return nil }
        nextID += 1
        slots.append(Slot(id: nextID, use: .opening))
        return nextID
    }

    /// Whether callers need more connections than there are or will be.
    private var isShort: Bool {
        let opening = slots.count { $0.use == .opening }
        let leased = slots.count { $0.use == .leased }
        if opening > 0 {
            return opening < leasing.count && leased + opening < limits.connections - 1
        }
        if !slots.contains(where: { $0.use == .shared }) { return true }
        if !leasing.isEmpty { return leased < limits.connections - 1 }
        return !slots.contains { $0.use == .shared && $0.inFlight < limits.growAt }
    }

    mutating func opened(_ id: ID) {
        downReason = nil
        update(id) { $0.use = .shared }
    }

    /// An attempt failed.
    ///
    /// Returns the callers to refuse when nothing is left to wait for.
    mutating func openFailed(_ id: ID, _ reason: String) -> [Waiter] {
        slots.removeAll { $0.id == id }
        isBackingOff = true
        guard !slots.contains(where: { $0.use != .opening }) else { return [] }
        downReason = reason
        return drainQueues()
    }

    /// The backoff has run out.
    mutating func retry() {
        isBackingOff = false
    }

    /// A connection is gone.
    mutating func closed(_ id: ID) {
        slots.removeAll { $0.id == id }
    }

    /// A shared statement has ended on it, or was never sent.
    mutating func finished(_ id: ID) {
        update(id) { $0.inFlight = max(0, $0.inFlight - 1) }
    }

    /// A transaction has given it back; `isIdle` unless its last results are still on the way.
    mutating func released(_ id: ID, isIdle: Bool) {
        update(id) {
            guard $0.use == .leased || $0.use == .draining else { return }
            $0.use = isIdle ? .shared : .draining
            $0.inFlight = 0
        }
    }

    /// Gets no new work; the shell closes it once it is idle.
    mutating func retire(_ id: ID) {
        update(id) { $0.use = .retiring }
    }

    func use(of id: ID) -> Use? {
        slots.first { $0.id == id }?.use
    }

    /// Connections that nobody used since the last call and that are not the last one.
    mutating func surplus() -> [ID] {
        var surplus: [ID] = []
        var keep = slots.count { $0.use != .retiring } - 1
        for index in slots.indices {
            if slots[index].use == .shared, slots[index].inFlight == 0, !slots[index].wasUsed,
                keep > 0
            {
                surplus.append(slots[index].id)
                slots[index].use = .retiring
                keep -= 1
            }
            slots[index].wasUsed = slots[index].inFlight > 0 || slots[index].use == .leased
        }
        return surplus
    }

    /// Refuses everybody from now on; returns who waits and which connections to close.
    mutating func close() -> (waiters: [Waiter], connections: [ID]) {
        isClosed = true
        return (drainQueues(), slots.map(\.id))
    }

    // MARK: Choosing

    private func candidate(_ kind: Kind) -> ID? {
        kind == .lease ? leaseCandidate : sharingCandidate
    }

    private var leaseCandidate: ID? {
        // Leasing the last one would leave statements without a pipeline.
        guard slots.count(where: { $0.use == .leased }) < limits.connections - 1 else { return nil }
        return slots.last { $0.use == .shared && $0.inFlight == 0 }?.id
    }

    // The least busy one: a loop over a handful of slots, since every statement comes by here.
    private var sharingCandidate: ID? {
        // A transaction that waits is not starved: one connection gets no new statements until its
        // pipeline has run empty.
        var reserved: ID?
        if !leasing.isEmpty, slots.count(where: { $0.use == .shared }) > 1 {
            reserved = slots.last { $0.use == .shared }?.id
        }
        var best: Slot?
        for slot in slots where slot.use == .shared && slot.id != reserved {
            guard slot.inFlight < best?.inFlight ?? limits.inFlight else { continue }
            best = slot
        }
        return best?.id
    }

    private mutating func take(_ id: ID, _ kind: Kind) {
        update(id) {
            $0.wasUsed = true
            if kind == .shared { $0.inFlight += 1 } else { $0.use = .leased }
        }
    }

    private mutating func update(_ id: ID, _ body: (inout Slot) -> Void) {
        guard let index = slots.firstIndex(where: { $0.id == id }) else { return }
        body(&slots[index])
    }

    private mutating func drainQueues() -> [Waiter] {
        (sharing.removeAll() + leasing.removeAll()).map(\.waiter)
    }
}
