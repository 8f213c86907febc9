internal import Reactor
internal import Synchronization

/// Looks every second, shows what it sees, and remembers it.
final class Progress: Sendable {
    private let recorder: Recorder
    private let callers: [Member]
    private let isShown: Bool
    private let admin = Admin()
    private let seen = Mutex<[Moment]>([])

    init(recorder: Recorder, callers: [Member], isShown: Bool) {
        self.recorder = recorder
        self.callers = callers
        self.isShown = isShown
    }

    /// One for each second.
    var moments: [Moment] { seen.withLock { $0 } }

    /// Looks until the task is cancelled.
    func run() async {
        let start = Deadline.now
        var last = start
        while (try? await EventLoop.sleep(for: .seconds(1))) != nil {
            let gauges = callers.isEmpty ? nil : Gauges(await admin.metrics(callers))
            let now = Deadline.now
            let moment = Moment(
                recorder.takeWindow(),
                at: Double(now.nanoseconds - start.nanoseconds) / 1e9,
                took: Double(now.nanoseconds - last.nanoseconds) / 1e9,
                inFlight: recorder.inFlight,
                gauges
            )
            last = now
            seen.withLock { $0.append(moment) }
            guard isShown else { continue }
            if Terminal.isWatched { Terminal.show(moment.line) } else { Terminal.note(moment.line) }
        }
        if isShown, Terminal.isWatched { Terminal.clear() }
    }
}
