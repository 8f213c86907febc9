internal import Synchronization
public import Telemetry

/// The traces that this process found worth keeping, until somebody asks the others for their parts.
public final class FoundTraces: Sendable {
    /// Most that wait; more than this in a moment is a storm, of which no trace is special.
    static let limit = 200

    private let waiting = Mutex<[TraceID]>([])

    /// Nothing yet.
    public init() {}

    /// Takes note of a trace; never waits.
    func add(_ id: TraceID) {
        waiting.withLock { waiting in
            if waiting.count < Self.limit { waiting.append(id) }
        }
    }

    /// Those noted since the last call.
    public func take() -> [TraceID] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// What a process is asked to keep its parts of: `POST /debug/traces/keep`.
public struct KeepRequest: Sendable, Codable {
    /// Trace ids of 32 hexadecimal digits.
    public let ids: [String]

    /// Asks for these.
    public init(_ traces: [TraceID]) {
        ids = traces.map { TraceText.hex($0.high) + TraceText.hex($0.low) }
    }

    /// The ids that are ids, as many as one request may name.
    var traces: [TraceID] {
        ids.prefix(FoundTraces.limit).compactMap { text in
            TraceText.halves(text).map { TraceID(high: $0.high, low: $0.low) }
        }
    }
}
