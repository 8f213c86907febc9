internal import Reactor
internal import Synchronization

/// Lets those who come within a few milliseconds set out together.
///
/// What goes through many commits one after the other costs least in company: who starts together
/// shares each of them. A lone one need not wait; only who comes close behind a departure goes
/// with the next. The wait is never longer than the interval.
public final class Gathering: Sendable {
    private let state: Mutex<GatheringState>

    /// Makes one of which nobody has left yet.
    public init(interval: Duration) {
        state = Mutex(GatheringState(interval: interval))
    }

    /// Waits for the others; call it on an event loop.
    ///
    /// A task that is cancelled goes at once.
    public func join() async {
        let now = Deadline.now
        let departure = state.withLock { $0.departure(at: now) }
        if departure > now { try? await EventLoop.sleep(until: departure) }
    }
}

/// Who leaves when.
struct GatheringState {
    private let interval: Duration
    /// The last departure: in the past, or the one that those who come now go with.
    private var last: Deadline?

    init(interval: Duration) {
        self.interval = interval
    }

    /// When somebody leaves who comes now.
    mutating func departure(at now: Deadline) -> Deadline {
        guard let last else {
            last = now
            return now
        }
        if now <= last { return last }
        let next = max(now, last.advanced(by: interval))
        self.last = next
        return next
    }
}
