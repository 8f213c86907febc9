internal import Telemetry

/// Spans on their way to a collector: how many may wait, what goes together, and what a failure means.
///
/// A pure value; ``TraceExporter`` sends.
struct ExportQueue {
    struct Limits {
        /// Most spans that wait; one more is dropped and counted.
        var waiting = 8_192
        /// Most spans in one request.
        var batch = 512
        /// Most times that a batch is sent.
        var tries = 6
        /// The pause before the second try; it doubles with each.
        var firstPause = Duration.milliseconds(500)
        /// The longest pause, whatever the collector asks for.
        var longestPause = Duration.seconds(30)
    }

    /// How sending a batch ended.
    enum Outcome: Equatable {
        /// The collector took it, but for so many spans.
        case taken(rejected: Int)
        /// The collector answered; it may have said when to come again.
        case status(Int, retryAfter: Duration?)
        /// There was no answer.
        case noAnswer
    }

    /// What is to be done with the batch at hand.
    enum Next: Equatable {
        /// It is done with; go on with the next one.
        case goOn
        /// Send it again after a pause.
        case again(after: Duration)
    }

    let limits: Limits
    private var waiting: [TraceSpan] = []
    private var tries = 0
    private(set) var sent = 0
    private(set) var dropped = 0
    private(set) var atHand: [TraceSpan] = []

    init(limits: Limits = Limits()) { self.limits = limits }

    var count: Int { waiting.count + atHand.count }

    /// Takes in what there is room for.
    mutating func add(_ spans: [TraceSpan]) {
        let room = max(0, limits.waiting - count)
        waiting += spans.prefix(room)
        dropped += max(0, spans.count - room)
    }

    /// Takes the next batch in hand; empty when nothing waits.
    mutating func load() -> [TraceSpan] {
        guard atHand.isEmpty else { return atHand }
        atHand = Array(waiting.prefix(limits.batch))
        waiting.removeFirst(atHand.count)
        tries = 0
        return atHand
    }

    /// Decides about the batch at hand; `jitter` is from 0 to 1.
    ///
    /// Only 429, 502, 503 and 504 are worth trying again, and what brought no answer (OTLP/HTTP,
    /// "Failures"): anything else would fail again.
    mutating func finish(_ outcome: Outcome, jitter: Double) -> Next {
        tries += 1
        let wish: Duration?
        switch outcome {
        case .taken(let rejected):
            let lost = min(max(0, rejected), atHand.count)
            sent += atHand.count - lost
            dropped += lost
            atHand = []
            return .goOn
        case .status(let code, let retryAfter) where [429, 502, 503, 504].contains(code):
            wish = retryAfter
        case .noAnswer: wish = nil
        case .status: return drop()
        }
        guard tries < limits.tries else { return drop() }
        let doubled = limits.firstPause * Double(1 << min(tries - 1, 16))
        let pause = min(limits.longestPause, doubled) * (0.5 + jitter / 2)
        return .again(after: max(pause, min(limits.longestPause, wish ?? .zero)))
    }

    private mutating func drop() -> Next {
        dropped += atHand.count
        atHand = []
        return .goOn
    }
}
