internal import Glibc
internal import Reactor
internal import Synchronization
internal import Telemetry

/// How busy each event loop is, and how late it comes to what is due: saturation shows here first.
///
/// Each loop is asked once a second by a timer of its own, which costs the requests nothing.
final class LoopMeasures: Sendable {
    /// What one loop told last.
    private struct Reading: Sendable {
        var busy = 0.0
        var lag = 0.0
    }

    private static let interval = Duration.seconds(1)

    private let loops: [EventLoop]
    private let readings: Mutex<[Reading]>
    private let lags: Histogram

    init(_ loops: [EventLoop], _ metrics: Metrics) {
        self.loops = loops
        readings = Mutex(loops.map { _ in Reading() })
        lags = metrics.histogram(
            "event_loop_lag_seconds",
            "How late an event loop came to a timer, asked once a second."
        )
        show("event_loop_busy_ratio", "Share of its time that an event loop ran, 0 to 1.", metrics)
        {
            $0.busy
        }
        show(
            "event_loop_last_lag_seconds",
            "How late an event loop came to its last timer.",
            metrics
        ) {
            $0.lag
        }
    }

    private func show(
        _ name: String,
        _ help: String,
        _ metrics: Metrics,
        _ read: @escaping @Sendable (Reading) -> Double
    ) {
        metrics.collect(name, help, labels: ["loop"]) { [weak self] in
            let readings = self?.readings.withLock { $0 } ?? []
            return readings.enumerated().map { Sample(["\($0.offset)"], read($0.element)) }
        }
    }

    /// Asks each loop until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for (number, loop) in loops.enumerated() {
                group.addTask(executorPreference: loop) { await self.watch(number) }
            }
        }
    }

    private func watch(_ number: Int) async {
        var before = (time: Deadline.now.nanoseconds, used: Self.threadNanoseconds)
        while !Task.isCancelled {
            let due = Deadline.after(Self.interval)
            do { try await EventLoop.sleep(until: due) } catch { return }
            let now = (time: Deadline.now.nanoseconds, used: Self.threadNanoseconds)
            let passed = Double(now.time &- before.time)
            let used = Double(now.used >= before.used ? now.used - before.used : 0)
            // The kernel rounds epoll's timeout up to a millisecond; less than that is no delay.
            let late = now.time > due.nanoseconds ? Double(now.time - due.nanoseconds) / 1e9 : 0
            let reading = Reading(busy: passed > 0 ? min(1, used / passed) : 0, lag: late)
            lags.observe(late)
            readings.withLock { all in
                if all.indices.contains(number) { all[number] = reading }
            }
            before = now
        }
    }

    /// The processor time of the calling thread.
    private static var threadNanoseconds: UInt64 {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
