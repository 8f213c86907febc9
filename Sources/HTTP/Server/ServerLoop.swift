internal import Reactor

/// A server's share of one event loop: its acceptor, its connections and its clock.
///
/// Safe to send (`@unchecked Sendable`): `loop` and `settings` are constants; everything else is
/// touched on the loop's thread alone, where `run`, `drain` and all connections run.
final class ServerLoop: @unchecked Sendable {
    let loop: EventLoop
    let settings: ServerSettings
    private(set) var isDraining = false
    var date = HTTPDate()
    private var spareBuffer: [UInt8] = []
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var acceptor: Acceptor?
    private var turnedAway = 0
    private static let mostTurnedAway = 64

    init(_ loop: EventLoop, _ settings: ServerSettings) {
        self.loop = loop
        self.settings = settings
    }

    /// Accepts and serves until `drain`, then sees the connections out.
    func run(_ listener: Listener) async throws(SocketError) {
        let acceptor = try listener.acceptor()
        self.acceptor = acceptor
        await withDiscardingTaskGroup { group in
            while !isDraining {
                do throws(SocketError) {
                    let stream = try await acceptor.accept()
                    let connection = ServerConnection(stream, self)
                    guard settings.gate.enter(stream.remote) else {
                        turnAway(connection, &group)
                        continue
                    }
                    connections[ObjectIdentifier(connection)] = connection
                    group.addTask(executorPreference: loop) { [self] in
                        await connection.serve()
                        connections[ObjectIdentifier(connection)] = nil
                        settings.gate.leave(stream.remote)
                    }
                } catch {
                    if error == .closed { break }
                    // Weather, such as a firewall's refusal: the listener itself is well.
                    try? await EventLoop.sleep(for: .milliseconds(10))
                }
            }
            await seeOut()
            group.cancelAll()
        }
        acceptor.close()
    }

    /// Says 503 to a connection too many, where that costs little: in plain text, to a few at a time.
    private func turnAway(_ connection: ServerConnection, _ group: inout DiscardingTaskGroup) {
        guard settings.tls == nil, turnedAway < Self.mostTurnedAway else {
            return connection.abort()
        }
        turnedAway += 1
        group.addTask(executorPreference: loop) { [self] in
            await connection.turnAway()
            turnedAway -= 1
        }
    }

    /// Takes the empty buffer of a connection that will not need it for now.
    func keepBuffer(from buffer: inout [UInt8]) {
        if spareBuffer.capacity < buffer.capacity { swap(&spareBuffer, &buffer) }
        buffer = []
        if spareBuffer.capacity > 1 << 17 { spareBuffer = [] }
    }

    /// Gives a connection with work to do the buffer of whoever became idle last.
    func lendBuffer(to buffer: inout [UInt8]) {
        if buffer.capacity < spareBuffer.capacity { swap(&spareBuffer, &buffer) }
    }

    /// Begins to stop: no new connections, no idle ones, no further request on the others.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        acceptor?.close()
        for connection in connections.values { connection.closeIfIdle() }
    }

    /// Waits for the requests in flight; those that take too long lose their connection.
    private func seeOut() async {
        let end = Deadline.after(settings.limits.drainTime)
        while !connections.isEmpty, !end.hasPassed {
            try? await EventLoop.sleep(for: .milliseconds(5))
        }
        for connection in connections.values { connection.abort() }
    }
}
