internal import HTTP
internal import Reactor

/// What it costs to ask for something small, by how the connection comes about.
struct Toll: Sendable {
    /// How a client comes by the connection that it asks on.
    enum Way: String, Sendable, CaseIterable {
        case anew = "a new connection each, full handshake"
        case resumed = "a new connection each, session resumed"
        case kept = "one connection, kept"
    }

    let way: Way
    let requests: Int
    let count: Relay.Count
    /// From before the connection to behind the answer.
    let median: Duration
    /// Handshakes that resumed a session.
    let resumed: Int

    /// Bytes each way for one request, rounded up.
    var bytesEach: Int { (count.sent + count.received + requests - 1) / max(1, requests) }

    var line: String {
        let name = way.rawValue + String(repeating: " ", count: max(0, 40 - way.rawValue.count))
        return "  \(name)\(Figure.padded("\(bytesEach)", 6)) bytes a request, "
            + "\(Figure.padded("\(count.connections)", 3)) connections, "
            + "\(Figure.padded("\(resumed)", 3)) resumed, p50 \(Figure.milliseconds(median)) ms"
    }

    /// Whether each way is cheaper than the one before: a kept connection half of a resumed session, that
    /// two thirds of a full handshake.
    static func falls(_ tolls: [Toll]) -> Bool {
        func bytes(_ way: Way) -> Int? { tolls.first { $0.way == way }?.bytesEach }
        guard let anew = bytes(.anew), let resumed = bytes(.resumed), let kept = bytes(.kept) else {
            return false
        }
        return kept * 2 <= resumed && resumed * 3 <= anew * 2
    }

    /// Asks `requests` times for `target` over TLS, through a relay that counts.
    static func pay(
        _ way: Way,
        _ requests: Int,
        for target: String,
        at door: SecureDoor
    ) async throws -> Toll {
        try await Relay.before(door.address) { relay in
            let client = Client(address: relay.address, door: door, target: target)
            var (latencies, resumed) = (Latencies(), 0)
            var shared = way == .anew ? nil : try door.context()
            // The first session is what later ones resume; it is not counted.
            if way == .resumed { _ = try await client.ask(shared, latencies: &latencies) }
            latencies = Latencies()
            var kept: Wire?
            let count = try await relay.counting {
                for _ in 0..<requests {
                    if way == .kept {
                        kept = try await client.ask(shared, on: kept, latencies: &latencies)
                        continue
                    }
                    if way == .anew { shared = try door.context() }
                    let wire = try await client.ask(shared, latencies: &latencies)
                    resumed += wire.stream.isResumed ? 1 : 0
                    wire.stream.close()
                }
                kept?.stream.close()
            }
            return Toll(
                way: way,
                requests: requests,
                count: count,
                median: latencies.percentile(0.5),
                resumed: resumed
            )
        }
    }

    private struct Client {
        let address: SocketAddress
        let door: SecureDoor
        let target: String

        /// One request, on a connection that is there or on a new one, which is returned.
        func ask(
            _ context: TLSContext?,
            on kept: Wire? = nil,
            latencies: inout Latencies
        ) async throws -> Wire {
            let start = Deadline.now
            var wire: Wire
            if let kept { wire = kept } else { wire = try await Wire(to: address, tls: context) }
            let end = Deadline.after(.seconds(10))
            try await wire.send(
                Dialect.message(["GET \(target) HTTP/1.1", "Host: localhost"]),
                until: end
            )
            let answer = try await wire.answer(to: .get, until: end)
            guard answer.status == 200 else {
                throw Shop.Failed(description: "\(target) was answered \(answer.status)")
            }
            latencies.record(.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds)))
            return wire
        }
    }
}
