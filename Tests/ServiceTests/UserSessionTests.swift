import FoundationEssentials
import HTTP
import Identity
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import UserService

@Suite struct UserSessionTests {
    @Test func `signing in gives a token that the published keys verify`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            let answer = try await bench.signIn("ANN@example.com")
            #expect(answer.status == .ok)
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(try answer.text("token_type") == "Bearer")
            #expect(answer.json["expires_in"] == 900)
            #expect(try answer.text("user_id") == id)
            let claims = try await bench.claims(answer.text("access_token"))
            #expect(claims.subject.uuidString.lowercased() == id)
            #expect(claims.role == .customer)
            #expect(claims.expiresAt == claims.issuedAt + 900)
        }
    }

    @Test func `a wrong password and an unknown address get one answer after one work`()
        async throws
    {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let clock = ContinuousClock()
            var answers: [UserAnswer] = []
            var times: [Duration] = []
            for (email, password) in [
                ("ann@example.com", "wrong password"), ("eve@example.com", "wrong password"),
                ("no address", "x"), ("ann@example.com", ""),
            ] {
                let start = clock.now
                answers.append(try await bench.signIn(email, password: password))
                times.append(clock.now - start)
            }
            for answer in answers {
                #expect(answer.status == .unauthorized)
                #expect(answer.bytes == answers[0].bytes)
                #expect(answer.headers[.wwwAuthenticate] == #"Bearer realm="anyway""#)
            }
            // All of them hashed: without, an answer takes a millisecond.
            #expect(times.allSatisfy { $0 > .milliseconds(20) }, "\(times)")
        }
    }

    @Test func `a refresh token is traded once for the next`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let first = try await bench.signIn("ann@example.com")
            let second = try await bench.refresh(first.text("refresh_token"))
            #expect(second.status == .ok)
            #expect(second.headers[.cacheControl] == "no-store")
            #expect(try second.text("refresh_token") != first.text("refresh_token"))
            let before = try await bench.claims(first.text("access_token"))
            let after = try await bench.claims(second.text("access_token"))
            #expect(after.session == before.session)
            #expect(after.subject == before.subject)
            #expect(after.id != before.id)
            #expect(try await bench.refresh(second.text("refresh_token")).status == .ok)
        }
    }

    @Test func `a replayed refresh token ends its family, and no other`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let first = try await bench.signIn("ann@example.com")
            let elsewhere = try await bench.signIn("ann@example.com")
            let second = try await bench.refresh(first.text("refresh_token"))

            let replay = try await bench.refresh(first.text("refresh_token"))
            #expect(replay.status == .unauthorized)
            #expect(replay.type == "/problems/invalid-refresh-token")
            let next = try await bench.refresh(second.text("refresh_token"))
            #expect(next.status == .unauthorized)
            #expect(next.bytes == replay.bytes)
            #expect(try await bench.refresh(elsewhere.text("refresh_token")).status == .ok)
        }
    }

    @Test func `of two who use a refresh token at once one succeeds and both lose it`()
        async throws
    {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            for _ in 0..<5 {
                let token = try await bench.signIn("ann@example.com").text("refresh_token")
                async let one = bench.refresh(token)
                async let other = bench.refresh(token)
                let answers = try await [one, other].sorted { $0.status.code < $1.status.code }
                #expect(answers.map(\.status) == [.ok, .unauthorized])
                let next = try await bench.refresh(answers[0].text("refresh_token"))
                #expect(next.status == .unauthorized)
            }
        }
    }

    @Test(arguments: ["", "x", "refresh", String(repeating: "A", count: 43), "' OR 1=1 --"])
    func `what is no refresh token is refused`(token: String) async throws {
        try await withUserService { bench in
            let answer = try await bench.refresh(token)
            #expect(answer.status == .unauthorized)
        }
    }

    @Test func `an access token is no refresh token, nor the other way round`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let answer = try await bench.signIn("ann@example.com")
            #expect(try await bench.refresh(answer.text("access_token")).status == .unauthorized)
            let refresh = try answer.text("refresh_token")
            await #expect(throws: TokenError.malformed) { try await bench.claims(refresh) }
        }
    }

    @Test func `refresh tokens and sessions expire`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let old = try await bench.signIn("ann@example.com")
            try await bench.database.run(ExpireRefreshTokens())
            #expect(try await bench.refresh(old.text("refresh_token")).status == .unauthorized)
            let other = try await bench.signIn("ann@example.com")
            try await bench.database.run(ExpireSessions())
            #expect(try await bench.refresh(other.text("refresh_token")).status == .unauthorized)
            #expect(try await bench.database.run(DeleteEndedSessions()) == 2)
            #expect(try await bench.database.one(CountRefreshTokens()) == 0)
        }
    }

    @Test func `signing out ends the session by its refresh token`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let first = try await bench.signIn("ann@example.com").text("refresh_token")
            let second = try await bench.refresh(first).text("refresh_token")
            for token in [first, first, "nonsense"] {
                let out = try await bench.call(
                    .post,
                    "/users/logout",
                    json: #"{"refresh_token":"\#(token)"}"#
                )
                #expect(out.status == .noContent)
            }
            #expect(try await bench.refresh(second).status == .unauthorized)
        }
    }

    @Test func `signing out ends the session of the access token, if it is the caller's`()
        async throws
    {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            let eve = try await bench.register("eve@example.com")
            let answer = try await bench.signIn("ann@example.com")
            let session = try await bench.claims(answer.text("access_token")).session.uuidString
                .lowercased()
            _ = try await bench.call(.post, "/users/logout", user: eve, session: session)
            let next = try await bench.refresh(answer.text("refresh_token"))
            #expect(next.status == .ok)
            let out = try await bench.call(.post, "/users/logout", user: ann, session: session)
            #expect(out.status == .noContent)
            #expect(try await bench.refresh(next.text("refresh_token")).status == .unauthorized)
        }
    }

    @Test func `a hash of another cost is replaced when its password is next seen`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            // N = 2^4: weak, and of the password "weakly hashed".
            try await bench.database.run(WeakenPasswords())
            let wrong = try await bench.signIn("ann@example.com")
            #expect(wrong.status == .unauthorized)
            #expect(try await bench.database.one(DumpSecrets())?.contains("ln=4,") == true)
            for _ in 0..<2 {
                let right = try await bench.signIn("ann@example.com", password: "weakly hashed")
                #expect(right.status == .ok)
                #expect(try await bench.database.one(DumpSecrets())?.contains("ln=15,") == true)
            }
        }
    }

    @Test func `no password and no refresh token is stored in clear`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let token = try await bench.signIn("ann@example.com").text("refresh_token")
            let stored = try #require(try await bench.database.one(DumpSecrets()))
            #expect(stored.contains("$scrypt$ln=15,r=8,p=1$"))
            #expect(!stored.contains(UserBench.password))
            #expect(!stored.contains(token))
        }
    }

    @Test func `three replicas that start at once share one key`() async throws {
        try await withDatabase(migrations: Migrations.all, loops: 3) { database in
            let keys = (0..<3).map { _ in SigningKeys(Store<Problem>(database)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for replica in keys { group.addTask { try await replica.refresh(now: 1_000_000) } }
                try await group.waitForAll()
            }
            #expect(Set(keys.map { $0.current.signing(at: 1_000_000)?.id }).count == 1)
            #expect(try await database.one(CountSigningKeys()) == 1)
        }
    }

    @Test func `a key is succeeded by the next, and what it signed stays valid`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let before = try await bench.signIn("ann@example.com")
            let now = Int64(Date().timeIntervalSince1970)
            let keys = bench.routes.keys
            try await keys.refresh(now: now + Keyring.lifetime - Keyring.overlap)
            #expect(keys.current.entries.count == 2)
            _ = try await bench.claims(before.text("access_token"))
            let set = try await bench.call(.get, "/.well-known/jwks.json")
            #expect(set.headers[.contentType] == "application/jwk-set+json")
            #expect(set.headers[.cacheControl] == "public, max-age=300")
            #expect(try KeySet(json: set.bytes).keys.count == 2)
            #expect(!String(decoding: set.bytes, as: UTF8.self).contains(#""d""#))
        }
    }

    @Test func `more sign-ins than can be hashed are refused at once`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let pool = BlockingPool(name: "scrypt", maxThreads: 1, maxQueued: 2)
            let bench = try await UserBench(database, passwords: Passwords(pool: pool))
            let answers = try await withThrowingTaskGroup(of: UserAnswer.self) { group in
                for number in 0..<12 {
                    group.addTask { try await bench.signIn("a\(number)@b.co") }
                }
                return try await group.reduce(into: [UserAnswer]()) { $0.append($1) }
            }
            let refused = answers.filter { $0.status == .serviceUnavailable }
            #expect(!refused.isEmpty)
            #expect(refused.allSatisfy { $0.headers[.retryAfter] == "2" })
            #expect(answers.count { $0.status == .unauthorized } == 12 - refused.count)
        }
    }

    @Test func `nobody is hashed for who no longer waits`() async throws {
        let passwords = Passwords()
        await #expect(throws: Problem.self) {
            try await Deadline.$current.withValue(.after(.milliseconds(-1))) {
                _ = try await passwords.hash("password")
            }
        }
    }
}
