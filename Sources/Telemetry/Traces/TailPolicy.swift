internal import Reactor

/// Which traces a process keeps once it knows how they went.
public struct TailPolicy: Sendable, Equatable {
    /// Why a trace is kept.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// Its first span here failed.
        case error
        /// Its first span here took long.
        case slow
        /// It was chosen where it began.
        case sampled
        /// Another process kept its part, and asked for this one.
        case asked
    }

    /// From how long on a trace is slow.
    public var slow: Duration
    /// Which share of new traces is kept however they go, 0 to 1.
    public var share: Double
    /// Routes whose answers take long when all is well: what is held back until there is news.
    public var patientRoutes: Set<String> = []
    /// Most traces kept in a second by one event loop; all may come at once.
    public var keptPerSecond = 50

    /// A policy; spans inside a kept trace are kept with it.
    public init(slow: Duration = .milliseconds(500), share: Double = 0.01) {
        self.slow = slow
        self.share = share
    }

    /// Whether a new trace is kept however it goes; the same answer for the same id, everywhere.
    func samples(_ traceLow: UInt64) -> Bool {
        guard share < 1 else { return true }
        return Double(traceLow >> 11) < share * Double(UInt64(1) << 53)
    }

    /// Why the trace of a process's first span is kept; nil when it need not be.
    func reason(for root: TraceSpan) -> Reason? {
        if root.failure != nil { return .error }
        if root.nanoseconds >= slow.wholeNanoseconds, !isPatient(root) { return .slow }
        return root.isSampled ? .sampled : nil
    }

    private func isPatient(_ root: TraceSpan) -> Bool {
        guard case .request(_, let route?, _) = root.detail else { return false }
        return patientRoutes.contains(route)
    }
}

/// Bounds how many traces are kept in a second, so that a storm of errors costs no more than this.
struct KeepBudget: Equatable {
    private let perSecond: Int
    private var left: Int
    private var second: UInt64 = 0

    init(perSecond: Int) {
        self.perSecond = perSecond
        left = perSecond
    }

    /// Takes one trace's worth; false when the second's are used up.
    mutating func take(at now: Deadline) -> Bool {
        let second = now.nanoseconds / 1_000_000_000
        if second != self.second { (self.second, left) = (second, perSecond) }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
