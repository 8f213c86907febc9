internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Reaches the provider over HTTP/1.1, on connections that are kept; over TLS where its URL says so.
final class HTTPTransport: ProviderTransport {
    /// How long one try may take.
    static let tryTime = Duration.seconds(2)
    /// How long a name may be looked up: what is left of a try is for an address that is known already.
    static let lookUpTime = Duration.seconds(1)
    /// The provider's answers are a few kilobytes.
    static let bodyLimit = 256 << 10

    private let client: HTTPClient
    private let endpoint: ProviderEndpoint
    private let key: ProviderKey
    private let tls: TLSContext?
    private let resolver: Upstream.Resolver
    private let resolutionTime: Duration
    private let resolved = Mutex<(address: SocketAddress, until: Deadline)?>(nil)

    /// Makes a transport.
    ///
    /// - Parameters:
    ///   - tls: whom to trust; needed for an `https://` endpoint.
    ///   - resolver: looks the provider's name up.
    ///   - resolutionTime: how long a name's addresses are believed.
    init(
        client: HTTPClient,
        endpoint: ProviderEndpoint,
        key: ProviderKey,
        tls: TLSContext? = nil,
        resolver: @escaping Upstream.Resolver = Upstream.systemResolver,
        resolutionTime: Duration = .seconds(5)
    ) {
        precondition(endpoint.isSecure == (tls != nil), "TLS is spoken where the URL says so")
        self.tls = tls
        self.client = client
        self.endpoint = endpoint
        self.key = key
        self.resolver = resolver
        self.resolutionTime = resolutionTime
    }

    func send(_ request: StripeRequest) async throws(NoResponse) -> StripeResponse {
        let deadline = Deadline.after(Self.tryTime)
        let address = try await address()
        let span = TraceContext.current?.begin()
        let context = span?.context ?? TraceContext.current
        do throws(ClientError) {
            let response = try await client.send(
                message(request, context),
                to: Endpoint(address, tls: tls, serverName: tls == nil ? nil : endpoint.host),
                until: deadline
            )
            let answer = StripeResponse(
                status: response.status.code,
                body: try await response.body(limit: Self.bodyLimit)
            )
            end(span, request, address, answer.status, nil)
            return answer
        } catch {
            end(span, request, address, nil, "\(error)")
            // It may have moved.
            if case .connect = error { resolved.withLock { $0 = nil } }
            throw NoResponse(reason: "\(error)")
        }
    }

    private func end(
        _ span: OpenSpan?,
        _ request: StripeRequest,
        _ address: SocketAddress,
        _ status: Int?,
        _ failure: String?
    ) {
        span?.end(
            .words(request.isRead ? "GET" : "POST", "provider"),
            .client,
            .attempt(upstream: "provider", instance: address, number: 0, status: status),
            failure: failure ?? status.flatMap { $0 < 500 ? nil : "\($0)" }
        )
    }

    private func message(_ request: StripeRequest, _ context: TraceContext?) -> ClientRequest {
        var headers: Headers = [.host: endpoint.authority, .authorization: key.authorization]
        if let context { headers[.traceparent] = context.traceparent }
        guard let once = request.key else {
            return ClientRequest(.get, "\(request.path)?\(request.form.text)", headers: headers)
        }
        headers[.idempotencyKey] = once
        headers[.contentType] = "application/x-www-form-urlencoded"
        var message = ClientRequest(
            .post,
            request.path,
            headers: headers,
            body: .bytes(Array(request.form.text.utf8))
        )
        // The idempotency key makes a repetition harmless.
        message.isReplayable = true
        return message
    }

    /// Where the provider is: what was found lately, or else what is found now.
    ///
    /// A name that cannot be looked up, or not in time, keeps the address that is known: DNS may be what
    /// is broken.
    private func address() async throws(NoResponse) -> SocketAddress {
        let (known, isDue) = resolved.withLock { resolved in
            let known = resolved
            let isDue = known?.until.hasPassed ?? true
            // One look-up is enough: the others go on with what is known meanwhile.
            if isDue, known != nil { resolved?.until = .after(resolutionTime) }
            return (known?.address, isDue)
        }
        if let known, !isDue { return known }
        do throws(SocketError) {
            let deadline = Deadline.after(Self.lookUpTime).or(earlier: .current)
            let found = try await resolver(endpoint.host, endpoint.port, deadline)
            guard let address = found.randomElement() else { throw .unresolved(endpoint.host) }
            resolved.withLock { $0 = (address, .after(resolutionTime)) }
            return address
        } catch {
            guard let known else { throw NoResponse(reason: "looking its name up: \(error)") }
            return known
        }
    }
}
