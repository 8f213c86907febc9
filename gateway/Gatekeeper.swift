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
        var standing: Standing
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
            return Pass(claims: nil, standing: try limiter.count(address: request.remote))
        }
        let claims: AccessClaims
        do throws(Problem) {
            guard let bearer = try Self.bearer(request.headers, tokens) else {
                guard route.access == .optional else { throw Self.signInFirst }
                return Pass(claims: nil, standing: try limiter.count(address: request.remote))
            }
            // What is known already needs no call that might wait.
            switch bearer {
            case .known(let known): claims = known
            case .token(let token): claims = try await tokens.claims(of: token)
            }
        } catch  where error.status != .tooManyRequests {
            _ = try limiter.count(address: request.remote)
            throw error
        }
        let standing = try limiter.count(user: claims.subject)
        guard route.access != .admin || claims.role == .admin else {
            throw Problem(.forbidden, detail: "only administrators may do this")
        }
        return Pass(claims: claims, standing: standing)
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
        return Pass(claims: nil, standing: try limiter.count(address: request.remote))
    }

    /// Counts a request by the account that its content names, as an attempt to sign in does.
    func countAccount(
        _ request: Request,
        _ content: [UInt8],
        _ limiter: RequestLimiter
    ) throws(Problem) -> Standing {
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

    /// A bearer token, as far as it is known without asking anybody.
    private enum Bearer {
        /// One that was verified before, and is valid.
        case known(AccessClaims)
        /// Any other.
        case token(String)
    }

    /// The bearer token (RFC 6750 section 2.1); nil when there is none.
    ///
    /// Looked at where it lies: copying it, and looking at its characters, cost more than the rest of the
    /// request. What must not be in it, verifying it tells.
    ///
    /// - Throws: 401 for two `Authorization` fields, another scheme or a malformed field.
    private static func bearer(
        _ headers: Headers,
        _ tokens: TokenGate
    ) throws(Problem) -> Bearer? {
        let count = headers.count(of: .authorization)
        guard count > 0 else { return nil }
        let found = headers.withValue(of: .authorization) { field -> Bearer? in
            guard count == 1, isBearer(field) else { return nil }
            let token = field.extracting(scheme.utf8.count..<field.count)
            if let claims = tokens.known(token) { return .known(claims) }
            // Safe: the pointer is read inside the closure only.
            return unsafe token.withUnsafeBufferPointer {
                unsafe .token(String(decoding: $0, as: UTF8.self))
            }
        }
        if let bearer = found ?? nil { return bearer }
        throw Problem(
            .unauthorized,
            "invalid-token",
            detail: "the access token is not valid",
            headers: [.wwwAuthenticate: #"Bearer error="invalid_token""#]
        )
    }

    /// Whether something stands behind the scheme, which may be in any case (RFC 9110 section 11.1).
    private static func isBearer(_ field: Span<UInt8>) -> Bool {
        let scheme = scheme.utf8Span.span
        guard field.count > scheme.count else { return false }
        for index in scheme.indices where field[index] | 0x20 != scheme[index] { return false }
        return true
    }

    private static let scheme = "bearer "
}
