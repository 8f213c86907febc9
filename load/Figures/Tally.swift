internal import Reactor
internal import Synchronization

/// What customers have seen.
struct Tally: Sendable, Equatable {
    private(set) var latencies = Latencies()
    /// Answers by status, such as `201`, and `no answer`.
    private(set) var outcomes: [String: Int] = [:]

    /// Counts an answer.
    ///
    /// - Parameter interval: how often the asker meant to ask; nil where the duration counts from when
    ///   the request was due.
    mutating func record(
        _ outcome: String,
        _ duration: Duration,
        expecting interval: Duration? = nil
    ) {
        latencies.record(duration, expecting: interval ?? .zero)
        outcomes[outcome, default: 0] += 1
    }

    /// Answers.
    var requests: Int { outcomes.values.reduce(0, +) }

    /// Whether 95 of 100 checkouts were confirmed at once.
    var isMostlyConfirmed: Bool {
        Double(outcomes["201", default: 0]) >= 0.95 * Double(max(1, requests))
    }

    /// Whether most are confirmed, and the median is at most twice that of better times, and 100 ms.
    func isServed(likeThoseOf well: Tally) -> Bool {
        isMostlyConfirmed
            && latencies.percentile(0.5) <= well.latencies.percentile(0.5) * 2 + .milliseconds(100)
    }

    /// Median, 99th percentile and answers, for the terminal.
    func line(_ name: String) -> String {
        "  \(name): p50 \(Figure.milliseconds(latencies.percentile(0.5))) ms, p99 "
            + "\(Figure.milliseconds(latencies.percentile(0.99))) ms, \(Figure.mix(outcomes))"
    }

    mutating func add(_ other: Tally) {
        latencies.add(other.latencies)
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
    }
}

/// Where all customers' answers are counted: in all, by scenario, and since somebody last looked.
final class Recorder: Sendable {
    private struct State {
        var scenarios: [Scenario: Tally] = [:]
        var window = Tally()
        /// Since when answers are counted apart as well.
        var mark: Deadline?
        var marked: [Scenario: Tally] = [:]
        var isOpen = true
        var inFlight = 0
        var refused = 0
    }

    private let state = Mutex(State())

    /// Counts an answer.
    func record(
        _ scenario: Scenario,
        _ outcome: String,
        _ duration: Duration,
        expecting interval: Duration? = nil
    ) {
        state.withLock { state in
            state.scenarios[scenario, default: Tally()]
                .record(outcome, duration, expecting: interval)
            state.window.record(outcome, duration)
            if let mark = state.mark, mark.advanced(by: duration) <= .now {
                state.marked[scenario, default: Tally()]
                    .record(outcome, duration, expecting: interval)
            }
        }
    }

    /// From now on, answers to what is begun from now on are counted apart as well.
    func mark() {
        state.withLock { state in
            state.mark = .now
            state.marked = [:]
        }
    }

    /// Answers to what was begun since the mark, by scenario.
    var sinceMark: [Scenario: Tally] { state.withLock { $0.marked } }

    /// Lets more requests begin, or none.
    func admit(_ isOpen: Bool) { state.withLock { $0.isOpen = isOpen } }

    /// Takes a place among those who wait for an answer; false when there is none left, or nobody more is
    /// to come.
    func begin(limit: Int) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            guard state.inFlight < limit else {
                state.refused += 1
                return false
            }
            state.inFlight += 1
            return true
        }
    }

    /// Gives the place back.
    func end() { state.withLock { $0.inFlight -= 1 } }

    /// Those who wait for an answer.
    var inFlight: Int { state.withLock { $0.inFlight } }

    /// Requests that were due and not sent, because too many waited already.
    var refused: Int { state.withLock { $0.refused } }

    /// What was counted since the last call.
    func takeWindow() -> Tally {
        state.withLock { state in
            defer { state.window = Tally() }
            return state.window
        }
    }

    /// Everything.
    var sum: Tally {
        scenarios.values.reduce(into: Tally()) { $0.add($1) }
    }

    /// Everything, by scenario.
    var scenarios: [Scenario: Tally] { state.withLock { $0.scenarios } }
}
