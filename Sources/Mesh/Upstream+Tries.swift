internal import HTTP
internal import Reactor
internal import Synchronization
internal import Telemetry

/// What a call has learned so far.
private struct Progress {
    var tried: [SocketAddress] = []
    /// Whether any try may have had its effect.
    var mayHaveActed = false

    func outcome(_ result: Result<ClientResponse, MeshError>) -> CallOutcome {
        CallOutcome(result: result, instance: tried.last, tries: tried.count)
    }

    /// What the call's failure means: as soon as one try may have acted, nobody knows.
    func failure(_ reason: String) -> CallOutcome {
        outcome(.failure(mayHaveActed ? .unknown(reason) : .unavailable(reason)))
    }
}

extension Upstream {
    @inline(__always)
    func tries(
        _ request: ClientRequest,
        _ options: CallOptions,
        until deadline: Deadline
    ) async -> CallOutcome {
        var progress = Progress()
        shared.withLock { $0.state.budget.call(at: Self.now) }
        while true {
            guard let choice = await choose(progress.tried, request.target, until: deadline) else {
                return progress.failure("no instance takes calls")
            }
            progress.tried.append(choice.address)
            let result = await send(
                request,
                options,
                to: choice,
                attempt: progress.tried.count - 1,
                until: deadline
            )
            if case .failure(let error) = result, error.mayHaveActed {
                progress.mayHaveActed = true
            }
            guard policy.retriesCalls, Self.isWorthRetrying(result, request, options),
                progress.tried.count <= options.retries ?? policy.retries,
                let delay = pause(before: progress.tried.count, until: deadline),
                !Task.isCancelled, mayRetry(after: result, progress.tried)
            else { return Self.conclude(result, progress, deadline) }
            // What answered 502, 503 or 504 may have begun, whatever the next tries say.
            if case .success = result { progress.mayHaveActed = true }
            measures.retries.increment()
            await Self.discard(result)
            do { try await EventLoop.sleep(for: delay) } catch {
                return progress.failure("the caller went away")
            }
        }
    }

    /// Whether there may be one more try.
    ///
    /// The budget keeps retries from flooding who fails. A try that our own limit of connections has ended
    /// reached nobody: it is made again where there may be room, and takes nothing from the budget.
    private func mayRetry(
        after result: Result<ClientResponse, ClientError>,
        _ tried: [SocketAddress]
    ) -> Bool {
        shared.withLock { shared in
            if case .failure(.exhausted) = result {
                return shared.state.instances.contains { !tried.contains($0.address) }
            }
            return shared.state.budget.take(at: Self.now)
        }
    }

    /// How long to wait before the next retry; nil when there is no time for it.
    private func pause(before retry: Int, until deadline: Deadline) -> Duration? {
        let delay = shared.withLock { shared in
            policy.backoff.delay(retry: retry - 1, using: &shared.dice)
        }
        return delay < deadline.remaining ? delay : nil
    }

    /// Chooses an instance; resolves names first when there is none yet.
    @inline(__always)
    private func choose(
        _ tried: [SocketAddress],
        _ target: String,
        until deadline: Deadline
    ) async -> UpstreamState.Choice? {
        for isSecond in [false, true] {
            let selected = shared.withLock { shared in
                shared.state.select(
                    tried: tried,
                    key: target,
                    at: Self.now,
                    using: &shared.dice
                )
            }
            switch selected {
            case .success(let choice): return choice
            case .failure(.noInstances) where !isSecond: await resolve(until: deadline)
            case .failure: return nil
            }
        }
        return nil
    }

    @inline(__always)
    private func send(
        _ request: ClientRequest,
        _ options: CallOptions,
        to choice: UpstreamState.Choice,
        attempt: Int,
        until deadline: Deadline
    ) async -> Result<ClientResponse, ClientError> {
        let limit = options.tryTimeout ?? policy.tryTimeout
        let tryDeadline = Deadline.after(limit).or(earlier: deadline)
        let remaining = tryDeadline.remaining
        var request = request
        request.isReplayable = options.isIdempotent
        let span = TraceContext.current?.begin()
        let context = span?.context ?? TraceContext.current?.child() ?? .root()
        request.headers.remove(.requestDeadline)
        request.headers.remove(.traceparent)
        request.headers.remove(.tracestate)
        request.tryHeaders.reserve(fields: 3, bytes: 128)
        request.tryHeaders.add(.requestDeadline) { value in
            value.append(Int(clamping: max(1, remaining.wholeMilliseconds)))
        }
        request.tryHeaders.add(.traceparent) { value in
            value.append(addingCapacity: 55) { context.appendTraceparent(to: &$0) }
        }
        if let state = context.state { request.tryHeaders.add(.tracestate, state) }
        let result: Result<ClientResponse, ClientError>
        do throws(ClientError) {
            if let head = options.headTimeout {
                result = .success(
                    try await send(request, to: choice.address, until: tryDeadline, head: head)
                )
            } else if let faults {
                let response =
                    try await exchange(request, with: choice.address, until: tryDeadline, faults)
                result = .success(response)
            } else {
                let endpoint = endpoint(choice.address)
                result = .success(try await client.send(request, to: endpoint, until: tryDeadline))
            }
        } catch {
            result = .failure(error)
        }
        if case .failure(.identityMismatch(let reason)) = result {
            report(refusal: reason, of: choice.address)
        }
        // A caller in a hurry proves nothing: only a fair share of a try's time is judged.
        let end = Self.end(of: result, hadTime: remaining * 2 >= limit)
        let changes = shared.withLock { shared in
            shared.state.release(choice)
            return shared.state.finish(choice, end, at: Self.now)
        }
        report(changes, of: choice.address)
        span?.end(attempt: attempt, request.method, to: name, choice.address, result)
        return result
    }

    static func end(
        of result: Result<ClientResponse, ClientError>,
        hadTime: Bool
    ) -> UpstreamState.TryEnd {
        switch result {
        case .success(let response):
            // 501 and 505 are about the request, not about the instance.
            switch response.status.code {
            case 501, 505, ..<500: .answered
            default: .serverError
            }
        case .failure(let error):
            switch error {
            case .connect, .identityMismatch: .connectFailed
            case .timedOut: hadTime ? .noAnswer : .cancelled
            case .closedEarly, .protocolError, .tooLarge: .noAnswer
            // Our own limit, our caller's departure, our caller's content.
            case .exhausted, .cancelled, .content: .cancelled
            }
        }
    }

    /// Whether another try may help and cannot do the same thing twice.
    static func isWorthRetrying(
        _ result: Result<ClientResponse, ClientError>,
        _ request: ClientRequest,
        _ options: CallOptions
    ) -> Bool {
        guard case .bytes = request.body else { return false }
        switch result {
        case .success(let response):
            return options.isIdempotent && [502, 503, 504].contains(response.status.code)
        case .failure(let error):
            switch error {
            case .cancelled, .content, .tooLarge: return false
            case .connect, .identityMismatch, .exhausted, .timedOut, .closedEarly, .protocolError:
                return options.isIdempotent || !error.mayHaveActed
            }
        }
    }

    private static func conclude(
        _ result: Result<ClientResponse, ClientError>,
        _ progress: Progress,
        _ deadline: Deadline
    ) -> CallOutcome {
        switch result {
        case .success(let response): progress.outcome(.success(response))
        case .failure(.timedOut): progress.outcome(.failure(.deadline))
        case .failure where deadline.hasPassed: progress.outcome(.failure(.deadline))
        case .failure(.cancelled): progress.failure("the caller went away")
        case .failure(.connect(let error)): progress.failure("\(error)")
        case .failure(.identityMismatch(let reason)): progress.failure(reason)
        case .failure(.exhausted): progress.failure("all connections are busy")
        case .failure(.closedEarly): progress.failure("the connection was lost")
        case .failure(.protocolError(let reason)): progress.failure(reason)
        case .failure(.tooLarge): progress.failure("the answer was too large")
        case .failure(.content): progress.failure("the content could not be read")
        }
    }

    /// Reads an answer nobody wants, so that its connection can be used again.
    private static func discard(_ result: Result<ClientResponse, ClientError>) async {
        guard case .success(let response) = result else { return }
        _ = try? await response.body(limit: 65_536)
    }
}
