public import Reactor
internal import Synchronization

/// What a client accepts and keeps.
public struct ClientLimits: Sendable {
    /// How long connecting may take, the TLS handshake included.
    public var connectTime = Duration.seconds(2)
    /// How long the first byte of an answer may take once the request is sent, whatever the deadline.
    public var firstByteTime = Duration.seconds(60)
    /// The most connections to one endpoint from one loop; one more call fails with `.exhausted`.
    public var connectionsPerEndpoint = 256
    /// The most idle connections kept to one endpoint on one loop.
    public var idlePerEndpoint = 64
    /// How long an idle connection is kept; less than servers keep theirs.
    public var idleTime = Duration.seconds(30)
    /// The longest header section of a response.
    public var headerBytes = 32_768
    /// The most `1xx` responses before the final one.
    public var informational = 8

    /// The defaults; set what shall differ.
    public init() {}
}

/// Sends requests and keeps connections for the next ones, one pool for each event loop.
///
/// Call it from a task that runs on an event loop; everything about the call stays on that loop.
public final class HTTPClient: Sendable {
    private let limits: ClientLimits
    private let pools = Mutex<[ObjectIdentifier: ClientPool]>([:])

    /// A client without connections.
    public init(limits: ClientLimits = ClientLimits()) {
        self.limits = limits
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// A kept connection that proves dead before a byte of the response is replaced once, if nothing
    /// was sent or the request is replayable. The deadline is for the content too; the task's
    /// `Deadline.current` counts as well.
    ///
    /// - Throws: `ClientError`, whose `mayHaveActed` says whether repeating could do it twice.
    public func send(
        _ request: ClientRequest,
        to endpoint: Endpoint,
        until deadline: Deadline
    ) async throws(ClientError) -> ClientResponse {
        let deadline = deadline.or(earlier: .current)
        let pool = pool(of: .required)
        if let kept = pool.takeIdle(endpoint) {
            do throws(ClientError) {
                return try await kept.exchange(request, until: deadline)
            } catch {
                guard case .closedEarly(let sent) = error, kept.isUntouched else { throw error }
                guard !sent || request.isReplayable, case .bytes = request.body else {
                    throw error
                }
            }
        }
        let fresh = try await pool.connect(endpoint, until: deadline)
        return try await fresh.exchange(request, until: deadline)
    }

    /// Closes the idle connections on all loops; calls in progress end undisturbed.
    public func closeIdle() {
        let all = pools.withLock { Array($0.values) }
        for pool in all { pool.loop.execute { pool.closeIdle() } }
    }

    private func pool(of loop: EventLoop) -> ClientPool {
        pools.withLock { pools in
            if let pool = pools[ObjectIdentifier(loop)] { return pool }
            let pool = ClientPool(loop, limits)
            pools[ObjectIdentifier(loop)] = pool
            return pool
        }
    }
}
