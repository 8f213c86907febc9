import CLinux
import Glibc
import Synchronization

/// One thread, one epoll instance, and the tasks that prefer to run there.
///
/// A task started with `Task(executorPreference: loop)` runs on the loop's thread from its first
/// line to its last, so whatever only it touches needs no lock. Nothing on a loop may block:
/// work that blocks goes to a `BlockingPool`.
///
/// Safe to send (`@unchecked Sendable`): `inbox` is a `Mutex`, `threadID` an atomic, the
/// descriptors are constants; every other stored property is touched by the loop's own thread
/// alone, which `preconditionIsCurrent` checks at each entry point.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var work: [@Sendable () -> Void] = []
        var isSleeping = false
        var isStopped = false
    }

    private let epoll: Int32
    private let doorbell: Int32
    private let inbox = Mutex(Inbox())
    private let threadID = Atomic<UInt>(0)

    // Touched by the loop's thread alone.
    private var ready: [UnownedJob] = []
    private var timers = TimerQueue<@Sendable () -> Void>()
    private var watchers: [Watcher?] = []
    private var freeSlots: [Int] = []
    private var posted = Postbag()
    private var chores: [@Sendable () -> Void] = []

    /// Starts the thread.
    ///
    /// - Throws: `.system` when the kernel has no descriptor or thread left.
    public init(name: String = "loop") throws(SocketError) {
        // A peer that went away is an error of the write, not a signal that ends the process.
        signal(SIGPIPE, SIG_IGN)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .last("epoll_create1") }
        doorbell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard doorbell >= 0 else { throw .last("eventfd") }
        var event = unsafe anyway_epoll_event(
            EPOLLIN.rawValue | EPOLLET.rawValue,
            Self.doorbellToken
        )
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, doorbell, &event) == 0 else {
            throw .last("epoll_ctl")
        }
        try Threads.start(name: name) { [self] in run() }
    }

    private static let doorbellToken = UInt64.max

    // MARK: Who runs here

    /// The loop whose thread this is; nil on any other thread.
    public static var current: EventLoop? { CurrentLoop.get() }

    /// The loop whose thread this is.
    ///
    /// Asking elsewhere is a bug.
    public static var required: EventLoop {
        guard let loop = current else {
            preconditionFailure(
                "not on an event loop: start the task with executorPreference: loop"
            )
        }
        return loop
    }

    /// Whether the calling thread is the loop's.
    public var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Ends the process when the calling thread is not the loop's.
    public func preconditionIsCurrent() {
        precondition(isCurrent, "touched from outside its event loop")
    }

    // MARK: Work from anywhere

    /// Takes a job of the Swift runtime, from any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        if isCurrent {
            ready.append(unowned)
        } else {
            deliver { $0.jobs.append(unowned) }
        }
    }

    /// Runs `work` on the loop soon, from any thread.
    ///
    /// It must not block.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        deliver { $0.work.append(work) }
    }

    /// Ends the thread once the work at hand is done; tasks still suspended here never resume.
    public func stop() {
        deliver { $0.isStopped = true }
    }

    private func deliver(_ put: (inout sending Inbox) -> Void) {
        let mustRing = inbox.withLock { inbox in
            put(&inbox)
            defer { inbox.isSleeping = false }
            return inbox.isSleeping
        }
        guard mustRing else { return }
        var one: UInt64 = 1
        // A full counter means that the bell already rings.
        _ = unsafe write(doorbell, &one, 8)
    }

    // MARK: Timers

    /// Runs `work` on the loop once `deadline` has come.
    ///
    /// Call it on the loop.
    @discardableResult
    public func schedule(at deadline: Deadline, _ work: @escaping @Sendable () -> Void) -> TimerID {
        preconditionIsCurrent()
        return timers.add(work, at: deadline)
    }

    /// Forgets scheduled work; work that has run is ignored.
    ///
    /// Call it on the loop.
    public func cancel(_ timer: TimerID) {
        preconditionIsCurrent()
        timers.cancel(timer)
    }

    // MARK: Descriptors

    /// Registers a descriptor, edge-triggered, and returns its slot.
    ///
    /// Call it on the loop.
    func register(
        _ watcher: Watcher,
        descriptor: Int32,
        events: UInt32
    ) throws(SocketError) -> Int {
        preconditionIsCurrent()
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            watchers[slot] = watcher
        } else {
            slot = watchers.count
            watchers.append(watcher)
        }
        var event = unsafe anyway_epoll_event(events | EPOLLET.rawValue, UInt64(slot))
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            let error = SocketError.last("epoll_ctl")
            watchers[slot] = nil
            freeSlots.append(slot)
            throw error
        }
        return slot
    }

    /// Takes a descriptor out again, before it is closed.
    ///
    /// Call it on the loop.
    func deregister(slot: Int, descriptor: Int32) {
        preconditionIsCurrent()
        var unused = unsafe epoll_event()
        _ = unsafe epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &unused)
        watchers[slot] = nil
        freeSlots.append(slot)
    }

    // MARK: Sending together

    /// Keeps what a connection has to say until the end of the turn.
    func post(_ head: [UInt8], _ body: [UInt8], for stream: Stream) {
        preconditionIsCurrent()
        posted.add(head, body, for: stream)
        if posted.isFull { sendPosted() }
    }

    /// Has something small done once this turn has sent what it has to say, and before the loop sleeps.
    ///
    /// For what no answer waits for, such as waking another thread. Call it on the loop.
    public func afterTurn(_ chore: @escaping @Sendable () -> Void) {
        preconditionIsCurrent()
        chores.append(chore)
    }

    private func doChores() {
        guard !chores.isEmpty else { return }
        let work = chores
        chores = []
        for chore in work { chore() }
    }

    /// Sends what was posted by now.
    func sendPosted() {
        guard !posted.isEmpty else { return }
        // Taken out: a reader that is woken may post in turn.
        var bag = Postbag()
        swap(&bag, &posted)
        // Safe: the bytes are lent for the length of the call, and the letters lie inside them.
        unsafe bag.bytes.withUnsafeBytes { bytes in
            for letter in bag.letters {
                let piece = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[letter.start..<letter.end]
                )
                unsafe letter.stream.deliver(piece)
            }
        }
        guard posted.isEmpty else { return }
        bag.clear()
        swap(&bag, &posted)
    }

    // MARK: The loop

    private func run() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        CurrentLoop.set(self)
        // Safe: the buffer lives as long as the loop's thread, and epoll_wait is told its capacity.
        unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            while !takeDeliveries() {
                runReady()
                fireTimers()
                sendPosted()
                doChores()
                let timeout = prepareToSleep()
                let count = unsafe epoll_wait(epoll, events.baseAddress, 256, timeout)
                for index in 0..<max(0, Int(count)) {
                    let token = unsafe anyway_epoll_token(&events[index])
                    let flags = unsafe anyway_epoll_events(&events[index])
                    dispatch(token, flags)
                }
            }
        }
        CurrentLoop.set(nil)
        close(epoll)
        close(doorbell)
    }

    /// Moves what other threads sent into the loop; true when the loop was told to stop.
    private func takeDeliveries() -> Bool {
        let (work, stopped) = inbox.withLock { inbox in
            inbox.isSleeping = false
            ready.append(contentsOf: inbox.jobs)
            inbox.jobs.removeAll(keepingCapacity: true)
            let work = inbox.work
            if !work.isEmpty { inbox.work = [] }
            return (work, inbox.isStopped)
        }
        for item in work { item() }
        return stopped
    }

    /// Runs the jobs at hand.
    ///
    /// Those they add wait for the next turn, so descriptors and timers get theirs.
    private func runReady() {
        guard !ready.isEmpty else { return }
        var batch: [UnownedJob] = []
        swap(&batch, &ready)
        for job in batch { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
        if ready.isEmpty {
            batch.removeAll(keepingCapacity: true)
            swap(&batch, &ready)
        }
    }

    private func fireTimers() {
        guard timers.count > 0 else { return }
        let now = Deadline.now
        while let work = timers.popDue(at: now) { work() }
    }

    /// How long epoll may wait, in milliseconds; announces the sleep so that senders ring the bell.
    private func prepareToSleep() -> Int32 {
        guard ready.isEmpty, posted.isEmpty, chores.isEmpty else { return 0 }
        let mayWait = inbox.withLock { inbox in
            inbox.isSleeping = inbox.jobs.isEmpty && inbox.work.isEmpty && !inbox.isStopped
            return inbox.isSleeping
        }
        guard mayWait else { return 0 }
        guard let next = timers.nextDeadline() else { return -1 }
        // Rounded up: waking a moment early would spin until the deadline.
        let milliseconds = (next.remaining.wholeNanoseconds + 999_999) / 1_000_000
        return Int32(clamping: milliseconds)
    }

    private func dispatch(_ token: UInt64, _ flags: UInt32) {
        guard token != Self.doorbellToken else {
            var count: UInt64 = 0
            _ = unsafe read(doorbell, &count, 8)
            return
        }
        guard let slot = Int(exactly: token), watchers.indices.contains(slot) else { return }
        watchers[slot]?.signal(flags)
    }
}
