internal import HTTP
internal import Reactor
internal import Telemetry

extension OpenSpan {
    /// Ends the span of a call, all its tries together.
    func end(call upstream: String, _ outcome: CallOutcome) {
        let failure: String? =
            switch outcome.result {
            case .success(let response):
                response.status.code < 500 ? nil : "\(response.status.code)"
            case .failure(.unavailable(let reason)): "unavailable: \(reason)"
            case .failure(.unknown(let reason)): "outcome unknown: \(reason)"
            case .failure(.deadline): "no time left"
            case .failure(.overloaded): "too many calls at once"
            }
        end(
            .words("call", upstream),
            .internal,
            .call(upstream: upstream, tries: outcome.tries),
            failure: failure
        )
    }

    /// Ends the span of one try.
    func end(
        attempt: Int,
        _ method: Method,
        to upstream: String,
        _ instance: SocketAddress,
        _ result: Result<ClientResponse, ClientError>
    ) {
        let status: Int?
        let failure: String?
        switch result {
        case .success(let response):
            status = response.status.code
            // As OpenTelemetry has it, an answer that says no is an error of the one who asked.
            failure = response.status.code < 500 ? nil : "\(response.status.code)"
        case .failure(let error):
            status = nil
            failure = error.summary
        }
        end(
            .words(method.description, upstream),
            .client,
            .attempt(upstream: upstream, instance: instance, number: attempt, status: status),
            failure: failure
        )
    }
}

extension ClientError {
    /// What happened, in a few words that hold nothing of the request.
    fileprivate var summary: String {
        switch self {
        case .connect(let error): "cannot connect: \(error)"
        case .timedOut: "no answer in time"
        case .cancelled: "the caller went away"
        case .protocolError(let reason): "no HTTP: \(reason)"
        case .closedEarly: "the connection was lost"
        case .tooLarge: "the answer was too large"
        case .identityMismatch(let reason): "somebody else: \(reason)"
        case .exhausted: "all connections are busy"
        case .content: "the content could not be read"
        }
    }
}
