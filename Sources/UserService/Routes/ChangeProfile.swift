internal import Contracts
internal import HTTP
internal import Postgres

extension UserRoutes {
    /// Changes the caller's name and preferences by a JSON merge patch (RFC 7396).
    ///
    /// With `If-Match` only that version is changed, 412 otherwise. Without it the patch applies to
    /// whatever version there is: what it does not name, it does not touch.
    func changeProfile(_ request: Request) async throws(Problem) -> Response {
        let user = try request.user()
        let patch = try await request.json(JSONValue.self, limit: Self.formLimit)
        let change = try checked { () throws(Flaws) in try ProfileChange(patch) }
        let condition = EntityTags(request.headers.all(.ifMatch))
        for _ in 0..<3 {
            let profile = try await profile(of: user)
            guard condition?.matchesStrongly(profile.entityTag) ?? true else {
                throw Problem(
                    .preconditionFailed,
                    "profile-changed",
                    detail: "the profile is not at this version any more",
                    headers: [.etag: profile.entityTag]
                )
            }
            let changed = try checked { () throws(Flaws) in try change.applied(to: profile) }
            guard let statement = try? UpdateProfile(changed) else { throw .internalError }
            if let stored = try await store.one(statement) { return stored.response() }
            // Another change came in between: look again.
        }
        throw .unavailable("the profile keeps changing", retryAfter: .seconds(1))
    }
}
