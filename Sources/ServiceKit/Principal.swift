public import Contracts
public import HTTP

/// On whose behalf a request is made, as the gateway vouches for.
public struct Principal: Sendable, Hashable {
    /// The user.
    public let user: UserID
    /// What they may do.
    public let role: Role

    /// A user in a role.
    public init(user: UserID, role: Role) {
        self.user = user
        self.role = role
    }
}

extension Request {
    /// The user that the gateway names; what anybody else says about it is not believed.
    ///
    /// - Throws: 401 when there is none.
    public func principal() throws(Problem) -> Principal {
        guard caller == "gateway", let text = header(CallerHeader.user), let user = UserID(text),
            let role = header(CallerHeader.role).flatMap(Role.init(rawValue:))
        else {
            // RFC 9110 section 15.5.2: a 401 says how to authenticate.
            throw Problem(
                .unauthorized,
                detail: "sign in first",
                headers: [.wwwAuthenticate: "Bearer"]
            )
        }
        return Principal(user: user, role: role)
    }

    /// The user, who must be an administrator.
    ///
    /// - Throws: 401 when there is none, 403 when they are not.
    public func admin() throws(Problem) -> Principal {
        let principal = try principal()
        guard principal.role == .admin else {
            throw Problem(.forbidden, detail: "only administrators may do this")
        }
        return principal
    }

    /// The session that the gateway names; nil when there is none.
    public var session: SessionID? {
        guard caller == "gateway" else { return nil }
        return header(CallerHeader.session).flatMap(SessionID.init)
    }

    private func header(_ name: String) -> String? {
        guard let name = HeaderName(name) else { return nil }
        return headers[name]
    }
}
