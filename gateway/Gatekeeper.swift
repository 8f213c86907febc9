internal import HTTP
internal import Identity
internal import Reactor

/// Decides whether a request may pass, and on whose behalf.
struct Gatekeeper: Sendable {
    /// Leave to pass.
    struct Pass: Sendable {
        /// Who asks; nil for anybody.
        var claims: AccessClaims?
        /// What the response tells of the limit.
        var headers: Headers
    }

    /// Nil when no route looks at tokens.
    let tokens: TokenGate?

    /// Checks token and limits; a token that is refused counts against its sender's address.
    ///
    /// - Throws: 401, 403, 429, or 503 while tokens cannot be checked.
    @inline(__always)
    func admit(
        _ request: Request,
        to route: Route,
        _ limiter: RequestLimiter
    ) async throws(Problem) -> Pass {
        guard let tokens, route.access != .anyone else {
            return Pass(claims: nil, headers: try limiter.count(address: request.remote))
        }
        let claims: AccessClaims
        do throws(Problem) {
            guard let token = try Self.bearer(request.headers) else {
                guard route.access == .optional else { throw Self.signInFirst }
                return Pass(claims: nil, headers: try limiter.count(address: request.remote))
            }
            // What is known already needs no call that might wait.
            if let known = tokens.known(token) {
                claims = known
            } else {
                claims = try await tokens.claims(of: token)
            }
        } catch  where error.status != .tooManyRequests {
            _ = try limiter.count(address: request.remote)
            throw error
        }
        let headers = try limiter.count(user: claims.subject)
        guard route.access != .admin || claims.role == .admin else {
            throw Problem(.forbidden, detail: "only administrators may do this")
        }
        return Pass(claims: claims, headers: headers)
    }

    /// Lets a request through that no token speaks for; nil when there is one to check, or one is missing.
    ///
    /// - Throws: 429.
    func admitAnybody(
        _ request: Request,
        to route: Route,
        _ limiter: RequestLimiter
    ) throws(Problem) -> Pass? {
        let looksAtTokens = tokens != nil && route.access != .anyone
        guard
            !looksAtTokens
                || (route.access == .optional && !request.headers.contains(.authorization))
        else { return nil }
        return Pass(claims: nil, headers: try limiter.count(address: request.remote))
    }

    /// Counts a request by the account that its content names, as an attempt to sign in does.
    func countAccount(
        _ request: Request,
        _ content: [UInt8],
        _ limiter: RequestLimiter
    ) throws(Problem) -> Headers {
        struct Attempt: Decodable { var email: String? }
        let attempt = try? JSON.decode(Attempt.self, from: content)
        return try limiter.count(account: attempt?.email, from: request.remote)
    }

    private static var signInFirst: Problem {
        Problem(
            .unauthorized,
            detail: "sign in first",
            headers: [.wwwAuthenticate: "Bearer"]
        )
    }

    /// The bearer token (RFC 6750 section 2.1); nil when there is none.
    ///
    /// - Throws: 401 for two `Authorization` fields, another scheme or a malformed field.
    static func bearer(_ headers: Headers) throws(Problem) -> String? {
        let fields = headers.all(.authorization)
        guard let field = fields.first else { return nil }
        // Bytes: a token is long, and looking at its characters cost more than the rest of the request.
        // What must not be in it, verifying it tells.
        guard fields.count == 1, let token = token(field.utf8Span.span) else {
            throw Problem(
                .unauthorized,
                "invalid-token",
                detail: "the access token is not valid",
                headers: [.wwwAuthenticate: #"Bearer error="invalid_token""#]
            )
        }
        return token
    }

    /// What stands behind the scheme, in any case (RFC 9110 section 11.1); nil when nothing does.
    private static func token(_ field: Span<UInt8>) -> String? {
        let scheme = scheme.utf8Span.span
        guard field.count > scheme.count else { return nil }
        for index in scheme.indices where field[index] | 0x20 != scheme[index] { return nil }
        let token = field.extracting(scheme.count..<field.count)
        // Safe: the pointer is read inside the closure only.
        return unsafe token.withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }

    private static let scheme = "bearer "
}
