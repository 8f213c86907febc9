internal import Contracts
internal import HTTP
internal import Postgres
internal import Telemetry

/// The body of `POST /users/refresh`.
struct RefreshForm: Decodable {
    let refreshToken: String

    enum CodingKeys: String, CodingKey { case refreshToken = "refresh_token" }
}

extension UserRoutes {
    /// Trades a refresh token for new tokens, once.
    ///
    /// A token that was used before is in two hands, and nobody can tell whose is the thief's: its
    /// session ends for both (RFC 9700 section 4.14.2). The next sign-in begins another.
    func refreshSession(_ request: Request) async throws(Problem) -> Response {
        let form = try await request.json(RefreshForm.self, limit: Self.formLimit)
        let refused = Problem.signInRequired(
            "invalid-refresh-token",
            detail: "the refresh token is not valid, or not any more"
        )
        guard let token = RefreshToken(form.refreshToken) else { throw refused }
        let next = RefreshToken()
        if let session = try await store.one(RotateRefreshToken(token: token, next: next)) {
            return try answer(session, next)
        }
        for session in try await sessions.end(RevokeReplayedFamily(token: token)) {
            log.warning(
                "a refresh token was replayed; its session is revoked",
                ["session": .string(session.id.description)]
            )
        }
        throw refused
    }
}
