import CLinux

/// Who waits for a descriptor without a task.
public protocol Sleeper: AnyObject {
    /// Told once for each time it was parked, on the loop.
    func wake(_ reason: Watcher.Wake)
}

/// One descriptor on one event loop: who waits for it to become readable or writable.
///
/// The descriptor is registered edge-triggered, so try the operation first, wait only after it
/// said that it would block, and try again after each wait (a wake-up can be spurious). At most one
/// task waits for each direction; a second one is a bug.
///
/// Safe to send (`@unchecked Sendable`): every stored property is touched on the loop's thread
/// alone; cancellation, which comes from anywhere, goes through `loop.execute`.
public final class Watcher: @unchecked Sendable {
    /// Why a wait ended.
    public enum Wake: Sendable {
        /// There is something to read, or room to write.
        case ready
        /// The deadline passed.
        case timedOut
        /// The waiting task was cancelled.
        case cancelled
        /// `close` was called.
        case closed
    }

    /// Safe: resumed exactly once, by `wake`, which takes the waiter out first.
    @safe private struct Waiter {
        @safe enum Resumption {
            case task(UnsafeContinuation<Wake, Never>)
            case sleeper(any Sleeper)
        }

        let resumption: Resumption
        let deadline: Deadline
        let ticket: UInt64
    }

    /// One direction: whether an edge was seen, who waits, and the timer that guards the wait.
    private struct Side {
        var isReady: Bool
        /// The peer closed or the descriptor failed: an attempt answers at once from now on.
        var isHungUp = false
        /// It failed, and an attempt would block all the same: no edge will come, so who waited for
        /// one would try again for ever.
        var isSpent = false
        var waiter: Waiter?
        var timer: (id: TimerID, at: Deadline)?

        init(isReady: Bool) { self.isReady = isReady }
    }

    private enum Direction { case read, write }

    /// The loop that the descriptor is registered with.
    public let loop: EventLoop
    private let descriptor: Int32
    private var slot: Int?
    private var reading = Side(isReady: false)
    private var writing = Side(isReady: true)
    private var lastTicket: UInt64 = 0
    /// Called once when the descriptor fails, as when the peer resets; not when it ends its half.
    var onFailure: (() -> Void)?

    /// Registers `descriptor`, which must be non-blocking, with `loop`.
    ///
    /// Call it on the loop.
    ///
    /// - Throws: `.system` when epoll refuses the descriptor.
    public init(descriptor: Int32, loop: EventLoop) throws(SocketError) {
        self.descriptor = descriptor
        self.loop = loop
        let events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue
        slot = try loop.register(self, descriptor: descriptor, events: events)
    }

    /// Registers a listening descriptor that several loops share: one of them is woken.
    init(listening descriptor: Int32, loop: EventLoop) throws(SocketError) {
        self.descriptor = descriptor
        self.loop = loop
        let events = EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
        slot = try loop.register(self, descriptor: descriptor, events: events)
        reading.isReady = true
    }

    /// Whether the descriptor has been deregistered.
    public var isClosed: Bool { slot == nil }

    /// Waits until the descriptor may be read.
    ///
    /// - Throws: `.timedOut` at the deadline, `.cancelled` with the task, `.closed` after `close`.
    @inline(__always)
    public func readable(until deadline: Deadline) async throws(SocketError) {
        try await wait(.read, until: deadline)
    }

    /// Waits until the descriptor may be written.
    ///
    /// - Throws: `.timedOut` at the deadline, `.cancelled` with the task, `.closed` after `close`.
    @inline(__always)
    public func writable(until deadline: Deadline) async throws(SocketError) {
        try await wait(.write, until: deadline)
    }

    /// Deregisters the descriptor and wakes whoever waits with `.closed`; does not close the
    /// descriptor itself.
    ///
    /// Call it on the loop; a second call does nothing.
    public func close() {
        guard let slot else { return }
        self.slot = nil
        onFailure = nil
        loop.deregister(slot: slot, descriptor: descriptor)
        wake(.read, .closed)
        wake(.write, .closed)
        disarm(.read)
        disarm(.write)
    }

    /// Waits like `readable`, but cancellation does not end the wait: for those whom `close` wakes
    /// when they are to stop, because a cancellation handler costs more than the wait itself.
    ///
    /// It throws nothing and calls nothing that waits: each frame on the way to a wait is paid for
    /// at every request.
    public func arrival(until deadline: Deadline) async -> Wake {
        loop.preconditionIsCurrent()
        // Safe: the continuation is resumed exactly once, by `wake`, which takes it out first.
        return await unsafe withUnsafeContinuation { continuation in
            if slot == nil || reading.isSpent {
                return unsafe continuation.resume(returning: .closed)
            }
            if reading.isReady || reading.isHungUp {
                reading.isReady = false
                return unsafe continuation.resume(returning: .ready)
            }
            let waiter = unsafe Waiter(
                resumption: .task(continuation),
                deadline: deadline,
                ticket: nextTicket()
            )
            enlist(waiter, .read)
        }
    }

    /// Waits without a task: the sleeper is woken once, on the loop, when the descriptor may be read,
    /// at the deadline, or after `close`; at once when it may be read already.
    ///
    /// A task with the frames of its functions takes some KiB; who is parked takes none.
    ///
    /// Call it on the loop, while nobody else waits to read.
    public func park(until deadline: Deadline, _ sleeper: any Sleeper) {
        loop.preconditionIsCurrent()
        if slot == nil || reading.isSpent { return sleeper.wake(.closed) }
        // The edge is left to whoever reads: it is spent when the descriptor is drained.
        if mayRead { return sleeper.wake(.ready) }
        let waiter = Waiter(
            resumption: .sleeper(sleeper),
            deadline: deadline,
            ticket: nextTicket()
        )
        enlist(waiter, .read)
    }

    // MARK: For streams, which know when an edge is spent

    /// Whether an attempt to read can bring anything.
    ///
    /// An edge came since reading was last exhausted.
    public var mayRead: Bool { reading.isReady || reading.isHungUp }

    /// Whether the peer finished sending or the descriptor failed.
    var isHungUp: Bool { reading.isHungUp }

    /// Says that reading drained the descriptor: only a new edge makes it worth another try.
    func readExhausted() { reading.isReady = false }

    /// Says that reading would block.
    ///
    /// A descriptor that hung up never blocks for good reason: waiting for it ends with `.closed`.
    func readWouldBlock() {
        reading.isReady = false
        reading.isSpent = reading.isHungUp
    }

    /// Wakes who waits to read, because there is something to send first.
    func nudgeReader() {
        reading.isReady = true
        wake(.read, .ready)
    }

    // MARK: Waiting

    @inline(__always)
    private func with<Result>(
        _ direction: Direction,
        _ body: (inout Side) -> Result
    ) -> Result {
        switch direction {
        case .read: body(&reading)
        case .write: body(&writing)
        }
    }

    // Inlined, as `suspend` is: a call that waits is paid for once more each time it comes back.
    @inline(__always)
    private func wait(_ direction: Direction, until deadline: Deadline) async throws(SocketError) {
        guard try mustWait(direction) else { return }
        let ticket = nextTicket()
        let outcome = await withTaskCancellationHandler {
            await suspend(direction, until: deadline, ticket: ticket)
        } onCancel: {
            loop.execute { self.cancelWait(direction, ticket: ticket) }
        }
        try Self.check(outcome)
    }

    /// Spends the edge that was seen; true when there was none.
    private func mustWait(_ direction: Direction) throws(SocketError) -> Bool {
        loop.preconditionIsCurrent()
        if slot == nil || with(direction, { $0.isSpent }) { throw .closed }
        return with(direction) { side in
            defer { side.isReady = false }
            if side.isReady { return false }
            // Who would write waits only after an attempt that would block: one more, then no more.
            if side.isHungUp, direction == .write { side.isSpent = true }
            return !side.isHungUp
        }
    }

    private func nextTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    @inline(__always)
    private func suspend(
        _ direction: Direction,
        until deadline: Deadline,
        ticket: UInt64
    ) async -> Wake {
        // Safe: the continuation is resumed exactly once, by `wake`, which takes it out first.
        await unsafe withUnsafeContinuation { continuation in
            let waiter = unsafe Waiter(
                resumption: .task(continuation),
                deadline: deadline,
                ticket: ticket
            )
            enlist(waiter, direction)
        }
    }

    private func enlist(_ waiter: Waiter, _ direction: Direction) {
        with(direction) { side in
            precondition(side.waiter == nil, "two tasks wait for one direction")
            side.waiter = waiter
        }
        arm(direction, at: waiter.deadline)
    }

    private static func check(_ outcome: Wake) throws(SocketError) {
        switch outcome {
        case .ready: return
        case .timedOut: throw .timedOut
        case .cancelled: throw .cancelled
        case .closed: throw .closed
        }
    }

    /// A late cancellation must not end somebody else's wait: the ticket says whose it is.
    private func cancelWait(_ direction: Direction, ticket: UInt64) {
        let isSame = with(direction) { $0.waiter?.ticket == ticket }
        if isSame { wake(direction, .cancelled) }
    }

    private func wake(_ direction: Direction, _ reason: Wake) {
        let waiter = with(direction) { side in
            defer { side.waiter = nil }
            return side.waiter
        }
        switch waiter?.resumption {
        case .task(let continuation): unsafe continuation.resume(returning: reason)
        case .sleeper(let sleeper): sleeper.wake(reason)
        case nil: break
        }
    }

    /// Called by the loop when epoll reports the descriptor.
    ///
    /// A peer that finished sending (`RDHUP`) ends reading alone: it may still be reading.
    func signal(_ flags: UInt32) {
        let failed = flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        if failed || flags & EPOLLRDHUP.rawValue != 0 { reading.isHungUp = true }
        if failed {
            writing.isHungUp = true
            let report = onFailure
            onFailure = nil
            report?()
        }
        if flags & EPOLLIN.rawValue != 0 { reading.isReady = true }
        if flags & EPOLLOUT.rawValue != 0 { writing.isReady = true }
        if mayRead { wake(.read, .ready) }
        if writing.isReady || writing.isHungUp { wakeWriter() }
    }

    /// The woken writer tries at once, so the edge that woke it is spent.
    private func wakeWriter() {
        if writing.waiter != nil { writing.isReady = false }
        wake(.write, .ready)
    }

    // MARK: Deadlines

    /// Arms the guard lazily: a timer that fires too early looks again instead of being moved, so a
    /// connection that waits thousands of times under a sliding deadline keeps one timer.
    ///
    /// The timer keeps the watcher, until it fires or `close` disarms it: a weak reference would move
    /// the counts of references out of the object and make each retain and release of it slower.
    private func arm(_ direction: Direction, at deadline: Deadline) {
        guard deadline != .never else { return }
        if let timer = with(direction, { $0.timer }) {
            guard deadline < timer.at else { return }
            loop.cancel(timer.id)
        }
        let id = loop.schedule(at: deadline) { [self] in timerFired(direction) }
        with(direction) { $0.timer = (id, deadline) }
    }

    private func timerFired(_ direction: Direction) {
        with(direction) { $0.timer = nil }
        guard let deadline = with(direction, { $0.waiter?.deadline }) else { return }
        if deadline.hasPassed {
            wake(direction, .timedOut)
        } else {
            arm(direction, at: deadline)
        }
    }

    private func disarm(_ direction: Direction) {
        guard let timer = with(direction, { $0.timer }) else { return }
        loop.cancel(timer.id)
        with(direction) { $0.timer = nil }
    }
}
