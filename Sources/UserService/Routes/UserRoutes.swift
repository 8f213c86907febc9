internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Messaging
internal import Postgres
internal import Reactor
internal import ServiceKit
internal import Telemetry

/// What the user service answers, and what it needs for that.
struct UserRoutes: Sendable {
    let store: Store<Problem>
    let passwords: Passwords
    /// Where registrations and ends of sessions are told.
    let outbox = Outbox()
    let keys: SigningKeys
    let log: Logger
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    init(
        store: Store<Problem>,
        keys: SigningKeys,
        passwords: Passwords = Passwords(),
        log: Logger = .silent,
        now: @escaping @Sendable () -> Int64 = { ProcessClock.seconds }
    ) {
        self.store = store
        self.keys = keys
        self.passwords = passwords
        self.log = log
        self.now = now
    }

    /// Where accounts come from.
    var accounts: Accounts { Accounts(store: store, passwords: passwords, outbox: outbox) }

    /// Where sessions end.
    var sessions: Sessions { Sessions(store: store, outbox: outbox) }

    /// The largest form anybody needs to fill in.
    static let formLimit = 16 * 1024

    /// The table.
    ///
    /// All of it is the gateway's to call: it knows who the user is.
    func register(_ router: inout Router) {
        router.on(.post, "/users", from: "gateway", register)
        router.on(.post, "/users/login", from: "gateway", signIn)
        router.on(.post, "/users/refresh", from: "gateway", refreshSession)
        router.on(.post, "/users/logout", from: "gateway", signOut)
        router.on(.get, "/users/me", from: "gateway", showProfile)
        router.on(.patch, "/users/me", from: "gateway", changeProfile)
        router.on(.get, "/.well-known/jwks.json", from: "gateway", showKeys)
        router.on(.get, "/sessions/ended", from: "gateway", listEndedSessions)
    }
}

/// Runs a check of the input and tells the client all that was wrong with it.
func checked<Value>(_ check: () throws(Flaws) -> Value) throws(Problem) -> Value {
    do throws(Flaws) {
        return try check()
    } catch {
        throw .invalid(
            error.list.map { Problem.Field(pointer: $0.pointer, detail: $0.detail) }
        )
    }
}

extension Request {
    /// The user on whose behalf the gateway calls; believed because only the gateway gets here.
    func user() throws(Problem) -> UserID {
        guard let principal = try? principal() else { throw .signInRequired() }
        return principal.user
    }
}

extension Problem {
    /// 401 with the challenge that RFC 9110 section 15.5.2 requires.
    static func signInRequired(
        _ slug: String? = nil,
        detail: String = "sign in first"
    ) -> Problem {
        Problem(
            .unauthorized,
            slug,
            detail: detail,
            headers: [.wwwAuthenticate: #"Bearer realm="anyway""#]
        )
    }
}
