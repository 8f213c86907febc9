import FoundationEssentials
import HTTP
import Identity
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import UserService

/// The user service over a database of its own, called as the gateway calls it.
struct UserBench: Sendable {
    let database: Database
    let routes: UserRoutes
    let handler: Handler

    static let password = "correct horse battery staple"

    init(_ database: Database, passwords: Passwords = Passwords()) async throws {
        self.database = database
        let store = Store<Problem>(database)
        let keys = SigningKeys(store)
        try await keys.refresh(now: Int64(Date().timeIntervalSince1970))
        routes = UserRoutes(store: store, keys: keys, passwords: passwords)
        var router = Router()
        routes.register(&router)
        handler = router.handler
    }

    func call(
        _ method: HTTP.Method,
        _ target: String,
        json: String? = nil,
        headers: Headers = [:],
        user: String? = nil,
        session: String? = nil,
        from peer: String? = "spiffe://anyway/gateway"
    ) async throws -> UserAnswer {
        var headers = headers
        if json != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        if let user {
            headers["x-anyway-user"] = user
            headers["x-anyway-role"] = "customer"
        }
        if let session { headers["x-anyway-session"] = session }
        let request = Request(
            method,
            target,
            headers: headers,
            body: Array((json ?? "").utf8),
            peerIdentity: peer
        )
        let response: Response
        do throws(Problem) { response = try await handler(request) } catch {
            response = error.response()
        }
        return try UserAnswer(response)
    }

    /// Registers somebody; the id.
    func register(_ email: String) async throws -> String {
        let answer = try await call(
            .post,
            "/users",
            json: #"{"email":"\#(email)","password":"\#(Self.password)","name":"Ann"}"#
        )
        try #require(answer.status == .created)
        return try #require(answer.json["id"]?.string)
    }

    func signIn(_ email: String, password: String = UserBench.password) async throws -> UserAnswer {
        try await call(
            .post,
            "/users/login",
            json: #"{"email":"\#(email)","password":"\#(password)"}"#
        )
    }

    func refresh(_ token: String) async throws -> UserAnswer {
        try await call(.post, "/users/refresh", json: #"{"refresh_token":"\#(token)"}"#)
    }

    /// Checks an access token against the published key set, as the gateway does.
    func claims(_ token: String) async throws -> AccessClaims {
        let set = try await call(.get, "/.well-known/jwks.json")
        let verifier = TokenVerifier(keys: try KeySet(json: set.bytes).keys)
        return try verifier.verify(token, now: Int64(Date().timeIntervalSince1970))
    }
}

/// A response with its content read.
struct UserAnswer: Sendable {
    let status: Status
    let headers: Headers
    let bytes: [UInt8]
    let json: JSONValue

    init(_ response: Response) throws {
        status = response.status
        headers = response.headers
        if case .bytes(let content) = response.body { bytes = content } else { bytes = [] }
        json = bytes.isEmpty ? .null : try JSON.decode(JSONValue.self, from: bytes)
    }

    var type: String? { json["type"]?.string }
    var pointers: [String] { json["errors"]?.array?.compactMap { $0["pointer"]?.string } ?? [] }
    func text(_ member: String) throws -> String { try #require(json[member]?.string) }
}

func withUserService(
    _ body: @escaping @Sendable (UserBench) async throws -> Void
) async throws {
    try await withDatabase(migrations: Migrations.all) { database in
        try await body(try await UserBench(database))
    }
}

/// Makes all refresh tokens or sessions look as if their time had come.
struct ExpireRefreshTokens: Statement {
    static let sql = "UPDATE refresh_tokens SET expires_at = now() - interval '1 second'"
}

struct ExpireSessions: Statement {
    static let sql = "UPDATE sessions SET expires_at = now() - interval '2 days'"
}

struct CountRefreshTokens: Statement {
    static let sql = "SELECT count(*) FROM refresh_tokens"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

struct CountSigningKeys: Statement {
    static let sql = "SELECT count(*) FROM signing_keys"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

/// All that the database holds about users and tokens, as text.
struct DumpSecrets: Statement {
    static let sql = """
        SELECT coalesce(string_agg(row, ' '), '') FROM (
            SELECT users::text AS row FROM users UNION ALL
            SELECT encode(token_hash, 'escape') FROM refresh_tokens
        ) AS rows
        """
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// What has been published, in order.
struct ListUserEvents: Statement {
    static let sql = "SELECT type, subject, data FROM outbox ORDER BY txid, id"
    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (type: String, subject: String, data: String) {
        (type: try row[0], subject: try row[1], data: try row[2])
    }
}

/// Gives everybody the password "weakly hashed", as hashlib.scrypt of Python hashes it.
struct WeakenPasswords: Statement {
    static let sql = """
        UPDATE users SET password_hash = '$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$' ||
            '5MFt0LWlownfNK/+CUYTSXaidUn9YZuhUMO08cF9QNA'
        """
}
