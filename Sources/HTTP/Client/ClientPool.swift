internal import Reactor

/// One loop's connections of a client.
///
/// Safe to send (`@unchecked Sendable`): `loop` and `limits` are constants; everything else is
/// touched on the loop's thread alone, by the calls that run there and by its timer.
final class ClientPool: @unchecked Sendable {
    /// The connections to one endpoint; an object, so that looking at it copies nothing.
    private final class Lane {
        var idle: [(connection: ClientConnection, since: Deadline)] = []
        var open = 0
    }

    let loop: EventLoop
    let limits: ClientLimits
    private var lanes: [Endpoint: Lane] = [:]
    private var isSweeping = false
    /// Buffers of connections that rest: with memory, for those that have work.
    private var spares: [ByteBuffer] = []
    private static let mostSpares = 64
    /// Memory for the next request's head, which hardly ever outlives the call that sends it.
    private var head: [UInt8] = []

    init(_ loop: EventLoop, _ limits: ClientLimits) {
        self.loop = loop
        self.limits = limits
    }

    /// The connection that was used last and is still silent; the others may grow old.
    ///
    /// What came while it rested answers no request: the next one would take it for its own answer, and each
    /// one after that the answer of the one before.
    func takeIdle(_ endpoint: Endpoint) -> ClientConnection? {
        guard let lane = lanes[endpoint] else { return nil }
        while let entry = lane.idle.popLast() {
            if entry.connection.isSilent { return entry.connection }
            entry.connection.close()
        }
        return nil
    }

    func connect(
        _ endpoint: Endpoint,
        until deadline: Deadline
    ) async throws(ClientError) -> ClientConnection {
        let lane = lane(endpoint)
        guard lane.open < limits.connectionsPerEndpoint else { throw .exhausted }
        lane.open += 1
        do throws(SocketError) {
            let stream = try await Stream.connect(
                to: endpoint.address,
                tls: endpoint.tls,
                serverName: endpoint.serverName,
                expecting: endpoint.identity,
                until: deadline.or(earlier: .after(limits.connectTime))
            )
            return ClientConnection(stream, endpoint, self)
        } catch {
            closed(endpoint)
            switch error {
            case .cancelled: throw .cancelled(sent: false)
            case .tls(let reason): throw .identityMismatch(reason)
            case .timedOut where deadline.hasPassed: throw .timedOut(sent: false)
            default: throw .connect(error)
            }
        }
    }

    private func lane(_ endpoint: Endpoint) -> Lane {
        if let lane = lanes[endpoint] { return lane }
        let lane = Lane()
        lanes[endpoint] = lane
        return lane
    }

    /// An empty buffer for a connection that begins to work.
    func takeBuffer() -> ByteBuffer { spares.popLast() ?? ByteBuffer() }

    /// Takes the empty buffer of a connection that rests; nothing that one large exchange needed is kept.
    func giveBack(_ buffer: consuming ByteBuffer) {
        guard spares.count < Self.mostSpares, buffer.capacity <= 1 << 17 else { return }
        spares.append(buffer)
    }

    /// An empty array for a request's head.
    func takeHead() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &head)
        return taken
    }

    /// Takes the array back when the head has been sent.
    func giveBack(head sent: inout [UInt8]) {
        guard sent.capacity <= 1 << 16 else { return }
        swap(&sent, &head)
        // Now that nobody else has it: a shared one would be copied.
        head.removeAll(keepingCapacity: true)
    }

    /// Takes a connection back that has completed its exchange; false when there are enough.
    func keep(_ connection: ClientConnection) -> Bool {
        let lane = lane(connection.endpoint)
        guard lane.idle.count < limits.idlePerEndpoint else { return false }
        lane.idle.append((connection, .now))
        sweepLater()
        return true
    }

    /// A connection is gone.
    func closed(_ endpoint: Endpoint) {
        guard let lane = lanes[endpoint] else { return }
        lane.open -= 1
        if lane.open <= 0 { lanes[endpoint] = nil }
    }

    func closeIdle() { closeIdle(olderThan: .never) }

    private func closeIdle(olderThan limit: Deadline) {
        for lane in lanes.values {
            let old = lane.idle.prefix { $0.since <= limit }
            lane.idle.removeFirst(old.count)
            for entry in old { entry.connection.close() }
        }
    }

    /// One timer for all: it runs as long as something is idle.
    private func sweepLater() {
        guard !isSweeping else { return }
        isSweeping = true
        loop.schedule(at: .after(limits.idleTime / 2)) { [weak self] in
            guard let self else { return }
            isSweeping = false
            spares = []
            let span = limits.idleTime.wholeNanoseconds / 2
            let now = Deadline.now.nanoseconds
            closeIdle(olderThan: Deadline(nanoseconds: now > span ? now - span : 0))
            if lanes.values.contains(where: { !$0.idle.isEmpty }) { sweepLater() }
        }
    }
}
