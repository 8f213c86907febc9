public import Reactor

/// Serves HTTP/1.1 from one listener on all loops of a group: no lock and no thread hop between a
/// request and its answer, and no task where the answer needs none.
public final class HTTPServer: Sendable {
    private let listener: Listener
    private let settings: ServerSettings

    /// Puts a server together; nothing is accepted before `run`.
    ///
    /// - Parameters:
    ///   - listener: where connections come from.
    ///   - tls: speak TLS with these certificates; nil for plain HTTP.
    ///   - limits: what is refused.
    ///   - observe: told of every exchange, on the loop that served it; must not block.
    ///   - refused: told of every peer that TLS refused, and why; must not block.
    ///   - responder: answers the requests; what it throws is sent as a problem document.
    public init(
        listener: Listener,
        tls: TLSContext? = nil,
        limits: HTTPLimits = HTTPLimits(),
        observe: (@Sendable (Exchange) -> Void)? = nil,
        refused: (@Sendable (SocketAddress, SocketError) -> Void)? = nil,
        responder: Responder
    ) {
        self.listener = listener
        settings = ServerSettings(
            tls: tls,
            limits: limits,
            observe: observe,
            refused: refused,
            responder: responder
        )
    }

    /// Puts a server together in which a handler answers everything, in a task.
    public convenience init(
        listener: Listener,
        tls: TLSContext? = nil,
        limits: HTTPLimits = HTTPLimits(),
        observe: (@Sendable (Exchange) -> Void)? = nil,
        refused: (@Sendable (SocketAddress, SocketError) -> Void)? = nil,
        handler: @escaping Handler
    ) {
        self.init(
            listener: listener,
            tls: tls,
            limits: limits,
            observe: observe,
            refused: refused,
            responder: Responder(handler)
        )
    }

    /// Where the server listens, with the port that the kernel chose.
    public var address: SocketAddress { listener.address }

    /// Serves until the task is cancelled, then drains: accepts nothing more, closes idle
    /// connections, lets requests in flight finish for up to `limits.drainTime`, and returns.
    ///
    /// - Throws: `.system` when a loop cannot watch the listener.
    public func run(on group: EventLoopGroup) async throws(SocketError) {
        let loops = group.loops.map { ServerLoop($0, settings) }
        // Not children of this task: its cancellation begins the drain and must not reach the
        // handlers in flight. They are awaited below, so none outlives this call.
        let tasks = loops.map { server in
            Task(executorPreference: server.loop) { [listener] () -> SocketError? in
                do throws(SocketError) {
                    try await server.run(listener)
                    return nil
                } catch {
                    return error
                }
            }
        }
        let failures = await withTaskCancellationHandler {
            var failures: [SocketError] = []
            for task in tasks {
                guard let error = await task.value else { continue }
                failures.append(error)
                for server in loops { server.loop.execute { server.drain() } }
            }
            return failures
        } onCancel: {
            for server in loops { server.loop.execute { server.drain() } }
        }
        if let failure = failures.first { throw failure }
    }
}

/// What every connection of a server needs to know.
struct ServerSettings: Sendable {
    let tls: TLSContext?
    let limits: HTTPLimits
    let observe: (@Sendable (Exchange) -> Void)?
    let refused: (@Sendable (SocketAddress, SocketError) -> Void)?
    let gate: ConnectionGate
    let responder: Responder
    /// `limits.idleTime`, ready to be added to a deadline.
    let idleNanoseconds: UInt64

    init(
        tls: TLSContext?,
        limits: HTTPLimits,
        observe: (@Sendable (Exchange) -> Void)?,
        refused: (@Sendable (SocketAddress, SocketError) -> Void)?,
        responder: Responder
    ) {
        self.tls = tls
        self.limits = limits
        self.observe = observe
        self.refused = refused
        gate = ConnectionGate(limits)
        self.responder = responder
        idleNanoseconds = limits.idleTime.wholeNanoseconds
    }
}
