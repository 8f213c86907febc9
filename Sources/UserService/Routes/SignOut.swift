internal import HTTP
internal import Postgres
internal import ServiceKit

extension UserRoutes {
    /// Ends the session of the refresh token in the body.
    ///
    /// Without a body it is that of the caller's access token, if the caller sent one. The session's
    /// access tokens stay valid until they expire, 15 minutes at most.
    ///
    /// Always 204, so that it can be repeated and tells nothing about tokens.
    func signOut(_ request: Request) async throws(Problem) -> Response {
        if request.mediaType.isEmpty, let session = request.session {
            try await store.run(RevokeSessionByID(session: session, user: try request.user()))
            return .empty()
        }
        let form = try await request.json(RefreshForm.self, limit: Self.formLimit)
        if let token = RefreshToken(form.refreshToken) {
            try await store.run(RevokeSession(token: token))
        }
        return .empty()
    }
}
