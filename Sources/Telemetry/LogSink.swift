internal import Glibc
internal import Reactor
internal import Synchronization

/// Takes log lines to a file descriptor without ever blocking the thread that logs.
///
/// Lines wait in a bounded queue for one writer thread. When the reader at the other end is slow
/// and the queue is full, lines are dropped, counted, and the count is logged once there is room.
public final class LogSink: Sendable {
    /// The process's standard output; what waits is written when the process calls `exit`.
    public static let standardOutput: LogSink = {
        let sink = LogSink(descriptor: STDOUT_FILENO)
        atexit { LogSink.standardOutput.flush(within: .seconds(1)) }
        return sink
    }()

    /// How long the writer rests after a write, in microseconds.
    private static let pause: UInt32 = 2000

    private let descriptor: Int32
    private let queue: Mutex<LogQueue>
    private let wake = Semaphore()
    private let total = Atomic<Int>(0)

    /// Starts a writer for `descriptor`, which the caller keeps open; at most `limit` bytes wait.
    public init(descriptor: Int32, limit: Int = 1 << 20) {
        self.descriptor = descriptor
        self.queue = Mutex(LogQueue(limit: limit))
        startWriter()
    }

    /// How many lines were dropped since the start.
    public var droppedLines: Int { total.load(ordering: .relaxed) }

    /// Queues a line of the named process, or drops and counts it.
    func write(_ line: [UInt8], service: String, instance: String) {
        let added = queue.withLock { queue in
            let added = queue.add(line)
            if added == .dropped { queue.origin = (service, instance) }
            return added
        }
        switch added {
        case .wake: wakeWriter()
        case .queued: break
        case .dropped: total.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Wakes the writer, from a loop only when its turn's answers are sent: on a busy machine the thread that
    /// is woken runs first.
    private func wakeWriter() {
        guard let loop = EventLoop.current else { return wake.signal() }
        loop.afterTurn { [self] in wake.signal() }
    }

    /// Blocks until all lines are written, at most `limit`; returns whether they are.
    @discardableResult
    public func flush(within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        while !queue.withLock({ $0.isDrained }) {
            guard ContinuousClock.now < end else { return false }
            wake.signal()  // Lines that were only counted have not woken the writer.
            usleep(1000)
        }
        return true
    }

    /// Writes what waits, then ends the writer thread; later lines are dropped.
    public func close() {
        queue.withLock { $0.close() }
        wake.signal()
    }

    private func startWriter() {
        var thread = pthread_t()
        // The thread owns one reference to the sink from here until `drain` returns, so the sink
        // outlives it; the closure captures nothing, as a C function must not.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<LogSink>.fromOpaque(context).takeRetainedValue().drain()
                return nil
            },
            context
        )
        precondition(failure == 0, "the log writer thread cannot start")
        pthread_detach(thread)
    }

    private func drain() {
        Self.blockSignals()
        while true {
            switch queue.withLock({ $0.next() }) {
            case .write(let batch, let dropped):
                put(batch)
                if dropped > 0 { put(report(dropped)) }
                // Under load lines come together this way: without the pause each would wake this
                // thread and cost a write of its own, more than many a request that it tells of.
                usleep(Self.pause)
            case .sleep: wake.wait()
            case .stop: return
            }
        }
    }

    /// Signals belong to the thread that waits for them; `SIGPIPE` must not end the process.
    private static func blockSignals() {
        var all = sigset_t()
        // Both calls only touch the set on this stack frame.
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
    }

    private func report(_ dropped: Int) -> [UInt8] {
        var line: [UInt8] = []
        let (service, instance) = queue.withLock { $0.origin }
        let entry = LogEntry(
            time: .now,
            level: .warning,
            service: service,
            instance: instance,
            message: "log lines dropped",
            trace: nil
        )
        entry.appendJSON([:], ["dropped": .int(dropped)], to: &line)
        return line
    }

    /// Writes all bytes; gives up when nobody can read them any more.
    private func put(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // The slice's storage is alive and not mutated during the call.
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&waiting, 1, 1000)  // One struct on this stack frame.
            } else if errno != EINTR {
                return  // Closed at the other end: nobody is left to tell.
            }
        }
    }
}

/// A POSIX semaphore: `signal` never blocks.
///
/// Sendable because `sem_post` and `sem_wait` may be called from any threads at once, and the
/// pointer is set once, valid until `deinit`, when nobody can hold a reference any more.
@safe private final class Semaphore: @unchecked Sendable {
    private let pointer: UnsafeMutablePointer<sem_t>

    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe sem_init(pointer, 0, 0)
    }

    deinit {
        unsafe sem_destroy(pointer)
        unsafe pointer.deallocate()
    }

    func signal() { unsafe sem_post(pointer) }

    func wait() {
        while unsafe sem_wait(pointer) != 0 {}  // Interrupted: wait on.
    }
}
