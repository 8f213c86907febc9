import Glibc

/// A few threads for work that blocks or burns the processor: password hashing, look-ups of names, fsync.
///
/// The queue is bounded; what does not fit is refused at once, so a flood of sign-ins cannot pile up
/// behind the event loops.
///
/// Safe to send (`@unchecked Sendable`): `queue` and `idle` are touched only between lock and
/// unlock of the mutex, whose memory is allocated once and never moves.
@safe public final class BlockingPool: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wakeUp = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [@Sendable () -> Void] = []
    private var head = 0
    private var threads = 0
    private var idle = 0
    private let maxThreads: Int
    private let maxQueued: Int
    private let name: String

    /// The pool of the process: 4 threads, 1,024 pieces of waiting work.
    public static let shared = BlockingPool(name: "blocking", maxThreads: 4, maxQueued: 1024)

    /// Makes a pool; threads start when work comes and then stay.
    public init(name: String, maxThreads: Int, maxQueued: Int) {
        self.name = name
        self.maxThreads = max(1, maxThreads)
        self.maxQueued = max(1, maxQueued)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(wakeUp, nil)
    }

    /// Runs `work` on one of the threads and returns its result.
    ///
    /// Work that has started runs to its end even when the task is cancelled.
    ///
    /// - Throws: `.overloaded` when the queue is full or no thread can be had.
    public func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(SocketError) -> Value {
        let result: Value? = await withCheckedContinuation { continuation in
            if !submit({ continuation.resume(returning: work()) }) {
                continuation.resume(returning: nil)
            }
        }
        guard let result else { throw .overloaded }
        return result
    }

    /// Runs `work` on one of the threads and returns its result if it comes in time.
    ///
    /// Work that has started runs to its end all the same; nobody hears of its result then.
    ///
    /// - Throws: `.timedOut`, `.cancelled` with the task, `.overloaded` as `run(_:)`.
    public func run<Value: Sendable>(
        until deadline: Deadline,
        _ work: @escaping @Sendable () -> Value
    ) async throws(SocketError) -> Value {
        let result = OneShot<Value>()
        guard submit({ result.resolve(work()) }) else { throw .overloaded }
        if let value = await result.wait(until: deadline) { return value }
        throw Task.isCancelled ? .cancelled : .timedOut
    }

    private func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard queue.count - head < maxQueued else { return false }
        if idle == 0, threads < maxThreads {
            do throws(SocketError) {
                try Threads.start(name: name) { [self] in serve() }
                threads += 1
            } catch {
                guard threads > 0 else { return false }
            }
        }
        queue.append(work)
        unsafe pthread_cond_signal(wakeUp)
        return true
    }

    private func serve() {
        while true { next()() }
    }

    private func next() -> @Sendable () -> Void {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while head == queue.count {
            idle += 1
            unsafe pthread_cond_wait(wakeUp, mutex)
            idle -= 1
        }
        let work = queue[head]
        head += 1
        if head == queue.count || head >= 256 {
            queue.removeFirst(head)
            head = 0
        }
        return work
    }
}
