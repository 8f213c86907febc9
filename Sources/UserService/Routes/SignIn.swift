internal import Contracts
internal import HTTP
internal import Identity
internal import Postgres
internal import Telemetry

/// The body of `POST /users/login`.
struct SignInForm: Decodable {
    let email: String
    let password: String
}

/// What signing in and refreshing give (RFC 6749 section 5.1).
struct TokenAnswer: Encodable {
    let accessToken: String
    let tokenType = "Bearer"
    let expiresIn = AccessToken.lifetime.components.seconds
    let refreshToken: String
    let userID: UserID

    enum CodingKeys: String, CodingKey {
        case accessToken = "access_token"
        case tokenType = "token_type"
        case expiresIn = "expires_in"
        case refreshToken = "refresh_token"
        case userID = "user_id"
    }
}

extension UserRoutes {
    /// Begins a session.
    ///
    /// An unknown address and a wrong password get the same answer after the same work, so neither
    /// what is said nor how long it takes tells who has an account.
    func signIn(_ request: Request) async throws(Problem) -> Response {
        let form = try await request.json(SignInForm.self, limit: Self.formLimit)
        var account: Account?
        if let email = EmailAddress(form.email) {
            account = try await store.one(SelectAccount(email: email))
        }
        guard try await passwords.matches(form.password, account), let account else {
            throw .signInRequired(
                "invalid-credentials",
                detail: "the e-mail address or the password is wrong"
            )
        }
        await strengthen(account, form.password)
        let session = Session(id: .next(), user: account.id, role: account.role)
        let refreshToken = RefreshToken()
        try await store.run(InsertSession(session: session, token: refreshToken))
        log.info(
            "signed in",
            [
                "user": .string(session.user.description),
                "session": .string(session.id.description),
            ]
        )
        return try answer(session, refreshToken)
    }

    /// Hashes the password anew when its hash was made at another cost than today's.
    ///
    /// Only now is it known in clear. When it cannot be done this time, there will be another.
    private func strengthen(_ account: Account, _ password: String) async {
        guard PasswordHash.needsRehash(account.passwordHash),
            let new = try? await passwords.hash(password)
        else { return }
        _ = try? await store.run(
            UpdatePasswordHash(id: account.id, old: account.passwordHash, new: new)
        )
    }

    /// The tokens of a session; never to be stored by anything in between.
    func answer(_ session: Session, _ refreshToken: RefreshToken) throws(Problem) -> Response {
        let time = now()
        guard let key = keys.current.signing(at: time) else {
            throw .unavailable("there is no signing key", retryAfter: .seconds(5))
        }
        let claims = AccessClaims(
            subject: session.user.uuid,
            session: session.id.uuid,
            role: session.role == .admin ? .admin : .customer,
            now: time
        )
        guard let accessToken = try? TokenSigner(key).sign(claims) else { throw .internalError }
        return .json(
            TokenAnswer(
                accessToken: accessToken,
                refreshToken: refreshToken.text,
                userID: session.user
            ),
            headers: [.cacheControl: "no-store"]
        )
    }
}
