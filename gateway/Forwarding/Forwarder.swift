internal import HTTP
internal import Identity
internal import Mesh
internal import Reactor

/// Takes the requests of one route to its service and brings back what that answers.
struct Forwarder: Sendable {
    /// Responses up to this size are read before the first byte goes to the client.
    static let bufferedLimit = 65_536

    let route: Route
    let upstream: Upstream
    let limiter: RequestLimiter
    let gatekeeper: Gatekeeper
    let shedder: LoadShedder
    /// Which of its upstream's routes this is.
    let lane: Int

    /// Takes one request to the route's service.
    ///
    /// - Throws: what the gatekeeper refuses, what is wrong with the request, and 502, 503 or 504 when
    ///   there is no answer to bring back.
    @inline(__always)
    func forward(_ request: Request) async throws(Problem) -> Response {
        let pass = try await gatekeeper.admit(request, to: route, limiter)
        return try await forward(request, pass)
    }

    /// The same for a request that the gatekeeper has let through.
    @inline(__always)
    func forward(_ request: Request, _ pass: Gatekeeper.Pass) async throws(Problem) -> Response {
        AccessNote.current?.set(user: pass.claims?.subject, service: route.upstream)
        if ForwardedHead.hopsLeft(request) == 0 {
            let allowed = route.methods.map(\.description).joined(separator: ", ")
            return .empty(headers: [.allow: allowed])
        }
        if !route.types.isEmpty { _ = try request.preferred(of: route.types) }
        var standing = pass.standing
        let content: ClientRequest.Body
        if route.streams {
            content = .stream(try Self.stream(request, route))
        } else {
            // Kept whole, so that a try can be repeated.
            let isEmpty = request.bodyStream.isEmpty
            let bytes = isEmpty ? [] : try await request.body(limit: route.contentLimit)
            if limiter.isByAccount {
                standing = try gatekeeper.countAccount(request, bytes, limiter)
            }
            content = .bytes(bytes)
        }
        let outcome: CallOutcome
        do throws(Problem) {
            outcome = try await attempt(request, content, pass)
        } catch {
            var problem = error
            standing.add(to: &problem.headers)
            throw problem
        }
        // A client's own bad content is the client's to hear of, whatever became of the call.
        if case .stream(let reader) = content, let failure = reader.failure { throw failure }
        do throws(MeshError) {
            let answer = try outcome.result.get()
            if let content = answer.bodyStream.whole(limit: Self.bufferedLimit) {
                return Self.response(answer, standing, content)
            }
            return try await response(answer, standing, pass)
        } catch {
            var problem = error.problem(upstream: route.upstream)
            standing.add(to: &problem.headers)
            throw problem
        }
    }

    /// Calls the service with a request's fields and some content, unless it has too much to do.
    ///
    /// A content that streams takes as long as its sender does, which says nothing about load.
    @inline(__always)
    func attempt(
        _ request: Request,
        _ content: ClientRequest.Body,
        _ pass: Gatekeeper.Pass
    ) async throws(Problem) -> CallOutcome {
        let permit = route.streams ? nil : try shedder.enter(route.priority, lane: lane)
        let outcome = await upstream.attempt(
            Self.request(request, content, pass, route),
            Self.options(request, route, head: upstream.policy.tryTimeout)
        )
        if let permit { shedder.leave(permit, outcome) }
        AccessNote.current?.set(outcome)
        return outcome
    }

    private static func stream(
        _ request: Request,
        _ route: Route
    ) throws(Problem) -> BodyReader {
        let reader = request.bodyStream
        if let length = reader.length, length > route.contentLimit {
            throw Problem(
                .contentTooLarge,
                detail: "the content is longer than \(route.contentLimit) bytes"
            )
        }
        return BodyReader(reader, limit: route.contentLimit)
    }

    private static func request(
        _ request: Request,
        _ content: ClientRequest.Body,
        _ pass: Gatekeeper.Pass,
        _ route: Route
    ) -> ClientRequest {
        var headers = ForwardedHead.headers(request, pass.claims)
        for name in [HeaderName.authorization, .cookie] where route.passesCredentials {
            for value in request.headers.all(name) { headers.add(name, value) }
        }
        // HEAD is asked as GET: the server leaves the content out but tells its true length.
        return ClientRequest(
            request.method == .head ? .get : request.method,
            ForwardedHead.target(request),
            headers: headers,
            body: content
        )
    }

    /// - Parameter head: how long an instance may take to open a stream, which then lasts as long as its
    ///   route's time: one that hangs is found out as soon as for any other call. The route may say
    ///   otherwise.
    static func options(_ request: Request, _ route: Route, head: Duration) -> CallOptions {
        let hasKey = route.honoursKey && request.headers.contains(.idempotencyKey)
        let isStream = route.types == ["text/event-stream"]
        return CallOptions(
            isIdempotent: request.method.isIdempotent || hasKey,
            timeout: route.timeout,
            tryTimeout: isStream ? route.timeout : route.tryTimeout ?? route.timeout,
            retries: route.retries,
            headTimeout: isStream ? route.tryTimeout ?? head : nil
        )
    }

    /// An answer that is all there.
    private static func response(
        _ answer: ClientResponse,
        _ standing: Standing,
        _ content: [UInt8]
    ) -> Response {
        let headers = ForwardedHead.response(answer.headers, standing)
        return Response(answer.status, headers: headers, body: body(content))
    }

    /// A short answer is read first, so that one cut short becomes a clean 502; a long one streams.
    func response(
        _ answer: ClientResponse,
        _ standing: Standing,
        _ pass: Gatekeeper.Pass
    ) async throws(MeshError) -> Response {
        let reader = answer.bodyStream
        if let length = reader.length, length <= Self.bufferedLimit {
            let content: [UInt8]
            do throws(Problem) {
                content = try await reader.collect(limit: Self.bufferedLimit)
            } catch {
                throw error.status == .gatewayTimeout ? .deadline : .unknown("cut short")
            }
            return Self.response(answer, standing, content)
        }
        let headers = ForwardedHead.response(answer.headers, standing)
        // Only a stream without an end may be ended early; anything else would look complete.
        guard headers[.contentType]?.hasPrefix("text/event-stream") == true else {
            // What goes wrong before anything came is a clean 502 still.
            let first = try await Self.first(of: reader)
            return Response(
                answer.status,
                headers: headers,
                body: .stream(length: reader.length) { writer in
                    if let first { try await writer.write(first) }
                    while let piece = try await reader.next() { try await writer.write(piece) }
                }
            )
        }
        let relay = EventRelay(source: reader, tokens: gatekeeper.tokens, claims: pass.claims)
        return Response(
            answer.status,
            headers: headers,
            body: .stream { writer in try await relay.run(writer) }
        )
    }

    private static func first(of reader: BodyReader) async throws(MeshError) -> [UInt8]? {
        do throws(Problem) { return try await reader.next() } catch {
            throw error.status == .gatewayTimeout ? .deadline : .unknown("cut short")
        }
    }

    private static func body(_ content: [UInt8]) -> Response.Body {
        content.isEmpty ? .none : .bytes(content)
    }
}
