/// Whether an instance should get calls, by what probes and calls saw of it.
public struct InstanceHealth: Sendable, Equatable {
    /// When an instance goes out and comes back.
    public struct Policy: Sendable {
        /// How often an instance is probed.
        public var interval: Duration = .seconds(10)
        /// How often an instance that is out is probed.
        public var intervalWhenOut: Duration = .seconds(1)
        /// How long a probe may take.
        public var timeout: Duration = .seconds(2)
        /// Failed probes in a row after which an instance is out.
        public var failuresToEject = 3
        /// Calls in a row that could not connect after which an instance is out.
        public var connectFailuresToEject = 1
        /// Good probes in a row after which an instance is back.
        public var successesToReturn = 1

        /// The defaults of the design.
        public init() {}
    }

    /// What was seen of an instance.
    public enum Sign: Sendable, Equatable {
        /// A health probe was answered with success.
        case probeSucceeded
        /// A health probe was not, or with anything else.
        case probeFailed
        /// A call could not connect: nobody listens, or no handshake was possible.
        case connectFailed
        /// A call was answered, and not by a server error.
        case answered
    }

    /// Whether the instance gets no calls.
    public private(set) var isOut = false
    private var failedProbes = 0
    private var failedConnects = 0
    private var goodSigns = 0
    private let policy: Policy

    /// An instance nothing is known of, which therefore gets calls.
    public init(policy: Policy = Policy()) { self.policy = policy }

    /// Takes note of a sign; returns whether the instance went out or came back by it.
    @discardableResult
    public mutating func note(_ sign: Sign) -> Bool {
        switch sign {
        case .probeSucceeded, .answered:
            failedConnects = 0
            if sign == .probeSucceeded { failedProbes = 0 }
            // Whom the probes put out, only a probe brings back: its own word is that it isn't ready.
            guard isOut, failedProbes < policy.failuresToEject else { return false }
            goodSigns += 1
            guard goodSigns >= policy.successesToReturn else { return false }
            self = InstanceHealth(policy: policy)
        case .probeFailed:
            goodSigns = 0
            failedProbes += 1
            guard !isOut, failedProbes >= policy.failuresToEject else { return false }
            isOut = true
        case .connectFailed:
            goodSigns = 0
            failedConnects += 1
            guard !isOut, failedConnects >= policy.connectFailuresToEject else { return false }
            isOut = true
        }
        return true
    }

    /// How long until the next probe.
    public var probeInterval: Duration { isOut ? policy.intervalWhenOut : policy.interval }

    /// Whether two instances have the same state.
    public static func == (left: InstanceHealth, right: InstanceHealth) -> Bool {
        left.isOut == right.isOut && left.failedProbes == right.failedProbes
            && left.failedConnects == right.failedConnects && left.goodSigns == right.goodSigns
    }
}
