internal import HTTP
internal import Reactor

extension Upstream {
    /// Sends one try, or does to it what the rules for outgoing requests say.
    ///
    /// The caller is told what it would be told had the network done it: of a request that never left it
    /// knows no more than of one whose answer was lost.
    func exchange(
        _ request: ClientRequest,
        with address: SocketAddress,
        until deadline: Deadline,
        _ faults: FaultInjector
    ) async throws(ClientError) -> ClientResponse {
        let path = request.target.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        let actions = faults.decide(.init(.outgoing, request.method, path: path, peer: name))
        try await Self.wait(actions.delay, until: deadline)
        switch actions.fate {
        case .proceed: break
        case .answer(let status):
            return ClientResponse(Problem(status, "injected-fault").response())
        case .reset, .drop: throw .closedEarly(sent: true)
        }
        let response = try await client.send(request, to: endpoint(address), until: deadline)
        // A content that streams can be sent once.
        if actions.duplicates, case .bytes = request.body {
            let second = try? await client.send(request, to: endpoint(address), until: deadline)
            _ = try? await second?.body(limit: 65_536)
        }
        if actions.dropsReply {
            _ = try? await response.body(limit: 65_536)
            throw .closedEarly(sent: true)
        }
        guard let rate = actions.bytesPerSecond else { return response }
        return response.slowed(to: rate, until: deadline)
    }

    private static func wait(_ delay: Duration, until deadline: Deadline) async throws(ClientError)
    {
        guard delay > .zero else { return }
        do throws(SocketError) {
            try await EventLoop.sleep(until: Deadline.after(delay).or(earlier: deadline))
        } catch { throw .cancelled(sent: false) }
        if deadline.hasPassed { throw .timedOut(sent: false) }
    }
}
