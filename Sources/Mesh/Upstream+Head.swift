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
            [client, endpoint = endpoint(address)] () async -> Result<ClientResponse, ClientError>
            in
            do throws(ClientError) {
                return .success(
                    try await client.send(request, to: endpoint, until: deadline)
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
