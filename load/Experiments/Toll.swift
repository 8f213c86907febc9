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
    /// Handshakes that resumed a session.
    let resumed: Int
    /// Milliseconds of the gateway's processor for each request.
    let processor: Double

    /// Bytes each way for one request, rounded up.
    var bytesEach: Int { (count.sent + count.received + requests - 1) / max(1, requests) }

    var line: String {
        "  \(Figure.name(way.rawValue, 40))\(Figure.padded("\(bytesEach)", 6)) bytes a request, "
            + "\(Figure.padded("\(count.connections)", 3)) connections, "
            + "\(Figure.padded("\(resumed)", 3)) resumed, "
            + "\(Figure.padded("\(Figure.rounded(processor))", 4)) ms of the gateway's processor"
    }

    /// Whether each way is cheaper than the one before: a kept connection two thirds of a resumed session,
    /// that four fifths of a full handshake.
    static func falls(_ tolls: [Toll]) -> Bool {
        func bytes(_ way: Way) -> Int? { tolls.first { $0.way == way }?.bytesEach }
        guard let anew = bytes(.anew), let resumed = bytes(.resumed), let kept = bytes(.kept) else {
            return false
        }
        return kept * 3 <= resumed * 2 && resumed * 5 <= anew * 4
    }

    /// Asks `requests` times for `target` over TLS, through a relay that counts.
    static func pay(
        _ way: Way,
        _ requests: Int,
        for target: String,
        at door: SecureDoor,
        _ stage: Stage
    ) async throws -> Toll {
        try await Relay.before(door.address) { relay in
            let client = Client(address: relay.address, target: target)
            var context = try door.context()
            var resumed = 0
            // The first session is what later ones resume; it is not counted.
            if way == .resumed { try await client.ask(context).stream.close() }
            let before = try await processor(stage)
            let count = try await relay.counting {
                var kept: Wire?
                for _ in 0..<requests {
                    if way == .anew { context = try door.context() }
                    let wire = try await client.ask(context, on: kept)
                    resumed += wire.stream.isResumed ? 1 : 0
                    if way == .kept { kept = wire } else { wire.stream.close() }
                }
                kept?.stream.close()
            }
            let spent = try await processor(stage) - before
            return Toll(
                way: way,
                requests: requests,
                count: count,
                resumed: resumed,
                processor: spent / Double(max(1, requests))
            )
        }
    }

    /// Milliseconds that the gateways have used so far.
    private static func processor(_ stage: Stage) async throws -> Double {
        var bill = Bill()
        for member in stage.members(of: "gateway") {
            bill.add(try await stage.metrics(of: member), of: member.service)
        }
        return bill[.processor]
    }

    private struct Client {
        let address: SocketAddress
        let target: String

        /// One request, on a connection that is there or on a new one, which is returned.
        func ask(_ context: TLSContext, on kept: Wire? = nil) async throws -> Wire {
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
            return wire
        }
    }
}
