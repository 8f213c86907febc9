/// Counts of two kinds of events over the last seconds, in constant memory.
///
/// The window slides in steps of a tenth of its length: an event is forgotten between nine tenths
/// of the window and the whole window after it happened. Times are a monotonic clock's.
struct SlidingCounts: Sendable {
    private static let steps = 10

    private let step: Duration
    private var buckets = [(first: Int, second: Int)](
        repeating: (first: 0, second: 0),
        count: steps
    )
    private var current = 0
    private var currentEnds: Duration?
    /// Events of the first kind in the window, as of the last call.
    private(set) var first = 0
    /// Events of the second kind in the window, as of the last call.
    private(set) var second = 0

    init(window: Duration) { step = window / Self.steps }

    /// Counts events that happen now.
    mutating func add(first: Int = 0, second: Int = 0, at now: Duration) {
        advance(to: now)
        buckets[current].first += first
        buckets[current].second += second
        self.first += first
        self.second += second
    }

    /// Forgets what has left the window.
    mutating func advance(to now: Duration) {
        guard let ends = currentEnds else {
            currentEnds = now + step
            return
        }
        guard now >= ends else { return }
        guard now < ends + step * (Self.steps - 1) else {
            clear(at: now)
            return
        }
        var end = ends
        while now >= end {
            current = (current + 1) % Self.steps
            first -= buckets[current].first
            second -= buckets[current].second
            buckets[current] = (first: 0, second: 0)
            end += step
        }
        currentEnds = end
    }

    /// Forgets everything.
    mutating func clear(at now: Duration) {
        for index in buckets.indices { buckets[index] = (first: 0, second: 0) }
        first = 0
        second = 0
        currentEnds = now + step
    }
}
