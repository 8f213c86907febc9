import HTTP
import Identity
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import UserService

@Suite struct UserAccountTests {
    @Test func `somebody registers and sees their profile`() async throws {
        try await withUserService { bench in
            let made = try await bench.call(
                .post,
                "/users",
                json: #"{"email":"Ann@Example.com","password":"12345678","name":"Ann Ö."}"#
            )
            #expect(made.status == .created)
            #expect(made.headers[.location] == "/users/me")
            #expect(made.headers[.etag] == #""v1""#)
            let seen = try await bench.call(.get, "/users/me", user: made.text("id"))
            #expect(seen.status == .ok)
            #expect(seen.json == made.json)
            #expect(try seen.text("email") == "Ann@Example.com")
            #expect(try seen.text("role") == "customer")
            #expect(try seen.text("name") == "Ann Ö.")
            #expect(seen.json["preferences"] == [:])
            #expect(seen.json["password_hash"] == nil)
            #expect(try seen.text("created_at").hasSuffix("Z"))
        }
    }

    @Test func `an e-mail address has one account, however it is spelled`() async throws {
        try await withUserService { bench in
            _ = try await bench.register("ann@example.com")
            let again = try await bench.call(
                .post,
                "/users",
                json: #"{"email":"ANN@Example.com","password":"another one","name":"Eve"}"#
            )
            #expect(again.status == .conflict)
            #expect(again.type == "/problems/email-taken")
            #expect(again.pointers == ["/email"])
            #expect(try await bench.signIn("ann@example.com").status == .ok)
        }
    }

    @Test func `a registration is told once, in the transaction that makes it`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("Ann@example.com")
            _ = try await bench.call(
                .post,
                "/users",
                json: #"{"email":"ann@example.com","password":"12345678","name":"Eve"}"#
            )
            let events = try await bench.database.all(ListUserEvents())
            #expect(events.map(\.type) == ["user.registered"])
            #expect(events.map(\.subject) == [id])
            let data = try #require(events.first?.data)
            #expect(
                try JSON.decode(JSONValue.self, from: Array(data.utf8))
                    == ["user_id": .string(id), "email": "Ann@example.com", "name": "Ann"]
            )
        }
    }

    @Test func `of many who register the same address at once, one does`() async throws {
        try await withUserService { bench in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await bench.call(
                            .post,
                            "/users",
                            json: #"{"email":"a@b.co","password":"12345678","name":"A"}"#
                        ).status.code
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append(Int($1)) }
            }
            #expect(statuses.sorted() == [201, 409, 409, 409, 409, 409])
        }
    }

    @Test(
        arguments: [
            (
                #"{"email":"x","password":"short","name":""}"#, 422,
                ["/email", "/password", "/name"]
            ),
            (#"{"email":"a@b.co","password":"12345678"}"#, 422, ["/name"]),
            (#"{"email":1,"password":"12345678","name":"A"}"#, 422, ["/email"]),
            (#"{"email":null,"password":"12345678","name":"A"}"#, 422, ["/email"]),
            (#"{"email":"#, 400, []), ("", 400, []),
        ] as [(String, UInt16, [String])]
    )
    func `a bad registration is told field by field`(
        json: String,
        status: UInt16,
        pointers: [String]
    ) async throws {
        try await withUserService { bench in
            let answer = try await bench.call(.post, "/users", json: json)
            #expect(Int(answer.status.code) == Int(status))
            #expect(answer.pointers == pointers)
            #expect(answer.headers[.contentType] == "application/problem+json")
        }
    }

    @Test func `a huge registration is refused`() async throws {
        try await withUserService { bench in
            let name = String(repeating: "x", count: 20_000)
            let answer = try await bench.call(
                .post,
                "/users",
                json: #"{"email":"a@b.co","password":"12345678","name":"\#(name)"}"#
            )
            #expect(answer.status == .contentTooLarge)
        }
    }

    @Test func `nobody but the gateway may call`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            for peer in [nil, "spiffe://anyway/order", "spiffe://evil/gateway", "gateway"] {
                let answer = try await bench.call(.get, "/users/me", user: id, from: peer)
                #expect(answer.status == .forbidden)
            }
            for user in [nil, "", "42", "00000000"] as [String?] {
                let answer = try await bench.call(.get, "/users/me", user: user)
                #expect(answer.status == .unauthorized)
                #expect(answer.headers[.wwwAuthenticate] != nil)
            }
        }
    }

    @Test func `a profile that has not changed is not sent again`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            let same = try await bench.call(
                .get,
                "/users/me",
                headers: [.ifNoneMatch: #""v0", W/"v1""#],
                user: id
            )
            #expect(same.status == .notModified)
            #expect(same.bytes.isEmpty)
            #expect(same.headers[.etag] == #""v1""#)
            let other = try await bench.call(
                .get,
                "/users/me",
                headers: [.ifNoneMatch: #""v0""#],
                user: id
            )
            #expect(other.status == .ok)
        }
    }

    @Test func `a change is merged and counted`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            let first = try await bench.call(
                .patch,
                "/users/me",
                json: #"{"preferences":{"theme":"dark","mail":{"news":true}}}"#,
                headers: [.ifMatch: #""v1""#],
                user: id
            )
            #expect(first.status == .ok)
            #expect(first.headers[.etag] == #""v2""#)
            let second = try await bench.call(
                .patch,
                "/users/me",
                json: #"{"name":"Ann B.","preferences":{"mail":{"news":null},"theme":"light"}}"#,
                headers: [.contentType: "application/merge-patch+json"],
                user: id
            )
            #expect(second.status == .ok)
            #expect(try second.text("name") == "Ann B.")
            #expect(second.json["preferences"] == ["theme": "light", "mail": [:]])
            let seen = try await bench.call(.get, "/users/me", user: id)
            #expect(seen.json == second.json)
            #expect(seen.headers[.etag] == #""v3""#)
        }
    }

    @Test func `a change to another version than the one meant is refused`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            for tag in [#""v0""#, #"W/"v1""#, "v1", ""] {
                let answer = try await bench.call(
                    .patch,
                    "/users/me",
                    json: #"{"name":"Eve"}"#,
                    headers: [.ifMatch: tag],
                    user: id
                )
                #expect(answer.status == .preconditionFailed, "\(tag)")
                #expect(answer.headers[.etag] == #""v1""#)
            }
            let seen = try await bench.call(.get, "/users/me", user: id)
            #expect(try seen.text("name") == "Ann")
        }
    }

    @Test func `of two changes to the same version one wins, and none is lost without it`()
        async throws
    {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            async let one = bench.call(
                .patch,
                "/users/me",
                json: #"{"preferences":{"a":1}}"#,
                headers: [.ifMatch: #""v1""#],
                user: id
            )
            async let other = bench.call(
                .patch,
                "/users/me",
                json: #"{"preferences":{"b":1}}"#,
                headers: [.ifMatch: #""v1""#],
                user: id
            )
            let codes = try await [one.status.code, other.status.code].sorted()
            #expect(codes == [200, 412])

            async let third = bench.call(
                .patch,
                "/users/me",
                json: #"{"preferences":{"c":1}}"#,
                user: id
            )
            async let fourth = bench.call(
                .patch,
                "/users/me",
                json: #"{"preferences":{"d":1}}"#,
                user: id
            )
            #expect(try await [third.status, fourth.status] == [.ok, .ok])
            let seen = try await bench.call(.get, "/users/me", user: id)
            #expect(seen.json["preferences"]?["c"] == 1)
            #expect(seen.json["preferences"]?["d"] == 1)
        }
    }

    @Test func `nobody makes themselves an administrator`() async throws {
        try await withUserService { bench in
            let id = try await bench.register("ann@example.com")
            let answer = try await bench.call(
                .patch,
                "/users/me",
                json: #"{"role":"admin","name":"A"}"#,
                user: id
            )
            #expect(answer.status == .unprocessable)
            #expect(answer.pointers == ["/role"])
            let made = try await bench.call(
                .post,
                "/users",
                json: #"{"email":"b@c.co","password":"12345678","name":"B","role":"admin"}"#
            )
            #expect(try made.text("role") == "customer")
        }
    }

    @Test func `the administrator is made once and takes over nobody's account`() async throws {
        try await withUserService { bench in
            let accounts = bench.routes.accounts
            let admin = try Registration(
                email: "admin@example.com",
                password: "long enough",
                name: "Administrator"
            )
            #expect(try await accounts.makeAdministrator(admin))
            #expect(try await !accounts.makeAdministrator(admin))
            let session = try await bench.signIn("admin@example.com", password: "long enough")
            #expect(try await bench.claims(session.text("access_token")).role == .admin)

            _ = try await bench.register("ann@example.com")
            let taken = try Registration(
                email: "Ann@example.com",
                password: "long enough",
                name: "Administrator"
            )
            #expect(try await !accounts.makeAdministrator(taken))
            let ann = try await bench.signIn("ann@example.com")
            #expect(try await bench.claims(ann.text("access_token")).role == .customer)
        }
    }
}
