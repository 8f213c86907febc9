internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

/// The body of `POST /users/logout`; all of it may be left out where there is an access token.
struct SignOutForm: Decodable {
    var refreshToken: String?
    var everywhere: Bool?

    enum CodingKeys: String, CodingKey {
        case everywhere
        case refreshToken = "refresh_token"
    }
}

extension UserRoutes {
    /// Ends the session of the refresh token in the body, or else that of the caller's access token;
    /// with `everywhere` all sessions of the same user.
    ///
    /// Their access tokens are refused within five seconds. Otherwise 204, so that it can be
    /// repeated and tells nothing about tokens.
    func signOut(_ request: Request) async throws(Problem) -> Response {
        var form = SignOutForm()
        if !request.mediaType.isEmpty {
            form = try await request.json(SignOutForm.self, limit: Self.formLimit)
        }
        let isEverywhere = form.everywhere ?? false
        if let text = form.refreshToken {
            if let token = RefreshToken(text) { try await end(token, isEverywhere) }
        } else if let session = request.session {
            let user = try request.user()
            if isEverywhere {
                _ = try await sessions.endAll(of: user)
            } else {
                _ = try await sessions.end(RevokeSessionByID(session: session, user: user))
            }
        } else {
            throw .invalid("/refresh_token", "is needed where there is no access token")
        }
        return .empty()
    }

    private func end(_ token: RefreshToken, _ isEverywhere: Bool) async throws(Problem) {
        // One that was used up ends its own session and no other: it may be in strange hands.
        if isEverywhere, let user = try await store.one(SelectSessionUser(token: token)) {
            _ = try await sessions.endAll(of: user)
        } else {
            _ = try await sessions.end(RevokeSession(token: token))
        }
    }
}
