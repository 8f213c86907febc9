internal import HTTP
internal import Reactor

extension Upstream {
    /// Sends one try whose head has less time than its content, such as one that opens a stream.
    ///
    /// - Throws: `.timedOut` when the head does not come in time.
    func send(
        _ request: ClientRequest,
        to address: SocketAddress,
        until deadline: Deadline,
        head: Duration
    ) async throws(ClientError) -> ClientResponse {
        let loop = EventLoop.required
        let end = Deadline.after(head)
        let sending = Task(executorPreference: loop) {
            () async -> Result<ClientResponse, ClientError> in
            do throws(ClientError) {
                guard let faults = self.faults else {
                    let endpoint = self.endpoint(address)
                    return .success(
                        try await self.client.send(request, to: endpoint, until: deadline)
                    )
                }
                return .success(
                    try await self.exchange(request, with: address, until: deadline, faults)
                )
            } catch {
                return .failure(error)
            }
        }
        let timer = loop.schedule(at: end) { sending.cancel() }
        defer { loop.cancel(timer) }
        let result = await withTaskCancellationHandler {
            await sending.value
        } onCancel: {
            sending.cancel()
        }
        if case .failure(.cancelled(let sent)) = result, end.hasPassed, !Task.isCancelled {
            throw .timedOut(sent: sent)
        }
        return try result.get()
    }
}
