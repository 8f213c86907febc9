internal import Contracts
internal import HTTP
internal import Postgres

extension UserRoutes {
    /// The caller's profile; 304 when the caller has this version.
    func showProfile(_ request: Request) async throws(Problem) -> Response {
        let profile = try await profile(of: request.user())
        return request.unlessUnchanged(profile.entityTag, profile.response())
    }

    func profile(of user: UserID) async throws(Problem) -> Profile {
        guard let profile = try await store.one(SelectProfile(id: user)) else {
            throw .notFound("there is no such account")
        }
        return profile
    }
}

extension Profile {
    /// For its owner's eyes, and to be asked for again each time.
    var headers: Headers { [.etag: entityTag, .cacheControl: "private, no-cache"] }

    /// The profile as an answer.
    func response(_ status: Status = .ok, headers extra: Headers = [:]) -> Response {
        var headers = headers
        headers.append(extra)
        return .json(self, status: status, headers: headers)
    }
}
