import Contracts
import FoundationEssentials
import HTTP
import Identity
import Messaging
import Postgres
import PostgresHarness
import Testing

@testable import UserService

@Suite struct UserSignOutTests {
    private func session(_ bench: UserBench, of answer: UserAnswer) async throws -> String {
        try await bench.claims(answer.text("access_token")).session.uuidString.lowercased()
    }

    /// The sessions that events say have ended, in order.
    private func ended(_ bench: UserBench) async throws -> [String] {
        try await bench.database.all(ListUserEvents())
            .filter { $0.type == "user.session_ended" }.map(\.subject)
    }

    private func signOut(
        _ bench: UserBench,
        _ json: String?,
        user: String? = nil,
        session: String? = nil
    ) async throws -> UserAnswer {
        try await bench.call(.post, "/users/logout", json: json, user: user, session: session)
    }

    @Test func `a session that ends is told once, however it ended`() async throws {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            let answers = [
                try await bench.signIn("ann@example.com"),
                try await bench.signIn("ann@example.com"),
                try await bench.signIn("ann@example.com"),
            ]
            var sessions: [String] = []
            for answer in answers { sessions.append(try await session(bench, of: answer)) }

            let token = try answers[0].text("refresh_token")
            for _ in 0..<2 {
                let out = try await signOut(bench, #"{"refresh_token":"\#(token)"}"#)
                #expect(out.status == .noContent)
            }
            for _ in 0..<2 {
                let out = try await signOut(bench, nil, user: ann, session: sessions[1])
                #expect(out.status == .noContent)
            }
            let stolen = try answers[2].text("refresh_token")
            for _ in 0..<3 { _ = try await bench.refresh(stolen) }
            #expect(try await ended(bench) == sessions)
        }
    }

    @Test(arguments: [true, false])
    func `signing out everywhere ends all of a user's sessions and no other's`(
        _ byRefreshToken: Bool
    ) async throws {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            _ = try await bench.register("eve@example.com")
            let mine = [
                try await bench.signIn("ann@example.com"),
                try await bench.signIn("ann@example.com"),
            ]
            let other = try await bench.signIn("eve@example.com")
            var sessions: Set<String> = []
            for answer in mine { sessions.insert(try await session(bench, of: answer)) }
            let out: UserAnswer
            if byRefreshToken {
                let token = try mine[0].text("refresh_token")
                out = try await signOut(
                    bench,
                    #"{"refresh_token":"\#(token)","everywhere":true}"#
                )
            } else {
                out = try await signOut(
                    bench,
                    #"{"everywhere":true}"#,
                    user: ann,
                    session: try await session(bench, of: mine[0])
                )
            }
            #expect(out.status == .noContent)
            #expect(try await Set(ended(bench)) == sessions)
            for answer in mine {
                let next = try await bench.refresh(answer.text("refresh_token"))
                #expect(next.status == .unauthorized)
            }
            #expect(try await bench.refresh(other.text("refresh_token")).status == .ok)
        }
    }

    @Test func `sessions without a live access token end untold`() async throws {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            let old = try await bench.signIn("ann@example.com")
            try await bench.database.run(AgeRefreshTokens())
            let new = try await bench.signIn("ann@example.com")
            let session = try await session(bench, of: new)
            _ = try await signOut(bench, #"{"everywhere":true}"#, user: ann, session: session)
            #expect(try await ended(bench) == [session])
            let next = try await bench.refresh(old.text("refresh_token"))
            #expect(next.status == .unauthorized)
        }
    }

    @Test func `signing out everywhere sees the token that is just being given out`() async throws {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            let answer = try await bench.signIn("ann@example.com")
            let session = try await session(bench, of: answer)
            try await bench.database.run(AgeRefreshTokens())
            let token = try #require(RefreshToken(answer.text("refresh_token")))
            let rotation = RotateRefreshToken(token: token, next: RefreshToken())
            let (given, out) = try await race(on: bench.database, rotation, .commits) {
                try await signOut(bench, #"{"everywhere":true}"#, user: ann, session: session)
            }
            #expect(given.count == 1 && out.status == .noContent)
            #expect(try await ended(bench) == [session])
        }
    }

    @Test func `a session that is just being ended gives out no token`() async throws {
        try await withUserService { bench in
            let ann = try await bench.register("ann@example.com")
            let answer = try await bench.signIn("ann@example.com")
            let user = try #require(UserID(ann))
            let token = try answer.text("refresh_token")
            let (ended, next) = try await race(
                on: bench.database,
                RevokeUserSessions(user: user),
                .commits
            ) { try await bench.refresh(token) }
            #expect(ended.count == 1 && next.status == .unauthorized)
        }
    }

    @Test func `a used refresh token ends its own session and no other`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let one = try await bench.signIn("ann@example.com")
            let other = try await bench.signIn("ann@example.com")
            let used = try one.text("refresh_token")
            _ = try await bench.refresh(used)
            let out = try await signOut(bench, #"{"refresh_token":"\#(used)","everywhere":true}"#)
            #expect(out.status == .noContent)
            #expect(try await ended(bench) == [session(bench, of: one)])
            #expect(try await bench.refresh(other.text("refresh_token")).status == .ok)
        }
    }

    @Test(arguments: [nil, "{}", #"{"everywhere":true}"#])
    func `who says nothing of a session is asked for one`(_ json: String?) async throws {
        try await withUserService { bench in
            let out = try await signOut(bench, json)
            #expect(out.status == .unprocessable)
            #expect(out.pointers == ["/refresh_token"])
        }
    }

    @Test func `the list tells what ended lately, and the feed goes on where it stops`()
        async throws
    {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            var sessions: [String] = []
            func endOne() async throws {
                let answer = try await bench.signIn("ann@example.com")
                sessions.append(try await session(bench, of: answer))
                let token = try answer.text("refresh_token")
                _ = try await signOut(bench, #"{"refresh_token":"\#(token)"}"#)
            }
            let empty = try await bench.call(.get, "/sessions/ended")
            #expect(empty.json["sessions"]?.array == [])
            try await endOne()
            try await bench.database.run(AgeEndedSessions())
            try await endOne()
            let list = try await bench.call(.get, "/sessions/ended")
            #expect(list.headers[.cacheControl] == "no-store")
            #expect(list.json["sessions"]?.array?.map(\.string) == [sessions[1]])
            try await endOne()

            var router = Router()
            EventFeed(of: "user", in: bench.database) { false }.add(to: &router, readers: "gateway")
            let page = try UserAnswer(
                await router.handle(
                    Request(
                        .get,
                        "/events?after=\(try list.text("next"))&wait=5",
                        peerIdentity: "spiffe://anyway/gateway"
                    )
                )
            )
            let told = page.json["events"]?.array?.compactMap { $0["data"]?["session_id"]?.string }
            #expect(told?.last == sessions[2])
            #expect(told?.contains(sessions[0]) == false)
        }
    }

    @Test func `only gateways learn which sessions have ended`() async throws {
        try await withUserService { bench in
            let answer = try await bench.call(
                .get,
                "/sessions/ended",
                from: "spiffe://anyway/order"
            )
            #expect(answer.status == .forbidden)
        }
    }
}

/// Makes all refresh tokens older than any access token can be.
private struct AgeRefreshTokens: Statement {
    static let sql = "UPDATE refresh_tokens SET created_at = now() - interval '20 minutes'"
}

/// Makes all sessions that have ended look as if they had long ago.
private struct AgeEndedSessions: Statement {
    static let sql = """
        UPDATE sessions SET revoked_at = revoked_at - interval '20 minutes'
        WHERE revoked_at IS NOT NULL
        """
}
