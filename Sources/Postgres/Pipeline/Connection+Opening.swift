internal import Reactor

extension Connection {
    /// Connects on the current loop, without blocking it.
    ///
    /// - Throws: `.unavailable` with libpq's reason, the password removed.
    static func open(
        id: ID,
        url: DatabaseURL,
        loop: EventLoop,
        until deadline: Deadline
    ) async throws(DatabaseError) -> Connection {
        loop.preconditionIsCurrent()
        let url = try await url.resolved(until: deadline)
        guard let wire = Wire.start(url.values) else { throw .unavailable("out of memory") }
        do throws(DatabaseError) {
            try await connect(wire, url, loop, until: deadline)
            guard wire.enterPipeline() else { throw .unavailable(url.redact(wire.message)) }
            let watcher = try watch(wire, loop)
            return Connection(id: id, loop: loop, wire: wire, url: url, watcher: watcher)
        } catch {
            wire.finish()
            throw error
        }
    }

    private static func connect(
        _ wire: Wire,
        _ url: DatabaseURL,
        _ loop: EventLoop,
        until deadline: Deadline
    ) async throws(DatabaseError) {
        guard !wire.isBad else { throw .unavailable(url.redact(wire.message)) }
        // libpq's manual: behave as if the first poll had asked to write.
        var polling = Wire.Polling.writing
        while true {
            if polling == .done { return }
            if polling == .failed { throw .unavailable(url.redact(wire.message)) }
            // A new watcher for each step: a poll may close the socket and open another, even under
            // the same number, for the next address or to try again without TLS.
            let watcher = try watch(wire, loop)
            defer { watcher.close() }
            do throws(SocketError) {
                if polling == .reading {
                    try await watcher.readable(until: deadline)
                } else {
                    // The first wait of a new watcher is granted without asking the kernel, but
                    // polling before the connection stands would fail it.
                    repeat { try await watcher.writable(until: deadline) } while !wire.isWritable
                }
            } catch {
                throw .unavailable("connecting to the database: \(error)")
            }
            watcher.close()
            polling = wire.poll()
        }
    }

    private static func watch(_ wire: Wire, _ loop: EventLoop) throws(DatabaseError) -> Watcher {
        do throws(SocketError) {
            return try Watcher(descriptor: wire.descriptor, loop: loop)
        } catch {
            throw .unavailable("watching the database's socket: \(error)")
        }
    }
}
