public import HTTP
internal import Reactor
internal import Synchronization

/// What one instance answered when all were asked.
public struct InstanceAnswer: Sendable {
    /// Its address.
    public let instance: String
    /// The status and content, or why there are none.
    public let result: Result<(status: Status, content: [UInt8]), ClientError>

    /// What an instance answered.
    public init(
        instance: String,
        result: Result<(status: Status, content: [UInt8]), ClientError>
    ) {
        self.instance = instance
        self.result = result
    }
}

extension Upstream {
    /// Asks every instance the same, those that are out included, and waits for all of them.
    ///
    /// It is for questions whose answer differs from process to process, so nothing is tried again
    /// elsewhere and breakers are neither asked nor told.
    ///
    /// - Parameters:
    ///   - limit: how long each may take.
    ///   - bytes: the longest content of an answer.
    public func askEach(
        _ request: ClientRequest,
        within limit: Duration,
        bytes: Int = 1 << 20
    ) async -> [InstanceAnswer] {
        let addresses = shared.withLock { $0.state.instances.map(\.address) }
        return await withTaskGroup(of: InstanceAnswer.self) { group in
            for address in addresses {
                group.addTask {
                    await self.ask(request, of: address, until: .after(limit), bytes)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func ask(
        _ request: ClientRequest,
        of address: SocketAddress,
        until deadline: Deadline,
        _ bytes: Int
    ) async -> InstanceAnswer {
        let name = address.description
        do throws(ClientError) {
            let response = try await client.send(request, to: endpoint(address), until: deadline)
            let content = try await response.body(limit: bytes)
            return InstanceAnswer(instance: name, result: .success((response.status, content)))
        } catch {
            return InstanceAnswer(instance: name, result: .failure(error))
        }
    }
}
