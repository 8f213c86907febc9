import FoundationEssentials
import HTTP
import Identity
import Reactor
import Telemetry
import Testing

@testable import Gateway

@Suite struct GatewayTests {
    @Test func `a signed-in request goes on as its user`() async throws {
        let bench = try GatewayBench()
        let claims = claims()
        let token = try bench.token(claims)
        let response = try await onLoop {
            await bench.ask(
                .post,
                "/orders",
                [
                    "authorization": token, "idempotency-key": "k", "prefer": "wait=5",
                    "content-type": "application/json", "x-anyway-role": "admin",
                ],
                body: [UInt8]("{}".utf8)
            )
        }
        #expect(response.status == .ok)
        #expect(response.headers["ratelimit-policy"] == #""user";q=1000;w=1"#)
        #expect(response.headers["ratelimit"] == #""user";r=999;t=1"#)
        let request = try #require(bench.requests.first)
        #expect(request.headers.all("x-anyway-user") == [claims.subject.uuidString.lowercased()])
        #expect(request.headers.all("x-anyway-role") == ["customer"])
        #expect(request.headers[.idempotencyKey] == "k")
        #expect(request.headers[.prefer] == "wait=5")
        #expect(!request.headers.contains(.authorization))
        let deadline = try #require(request.headers[.requestDeadline].flatMap(Int.init))
        #expect((10_000...11_000).contains(deadline), "an order may take its time")
        #expect(request.headers[.traceparent].flatMap(TraceContext.init) != nil)
        await bench.service.stop()
    }

    @Test(arguments: [
        ("/orders", Method.get), ("/notifications", .get), ("/users/me", .get), ("/orders", .post),
        ("/payments/x", .get), ("/notifications", .get), ("/products", .post),
    ])
    func `without a token these are closed`(_ path: String, _ method: Method) async throws {
        let bench = try GatewayBench()
        let response = try await onLoop { await bench.ask(method, path) }
        #expect(response.status == .unauthorized)
        #expect(response.headers[.wwwAuthenticate] == "Bearer")
        #expect(bench.requests.isEmpty)
        await bench.service.stop()
    }

    @Test(arguments: [
        ("/products", Method.get), ("/products/x", .get), ("/users", .post),
        ("/users/login", .post), ("/users/refresh", .post), ("/users/logout", .post),
        ("/.well-known/jwks.json", .get), ("/", .get),
    ])
    func `without a token these are open`(_ path: String, _ method: Method) async throws {
        let bench = try GatewayBench()
        let response = try await onLoop { await bench.ask(method, path) }
        #expect(response.status == .ok)
        await bench.service.stop()
    }

    @Test(arguments: [
        "/events", "/quotes", "/reservations/x", "/health/ready", "/metrics", "/users/x", "/faults",
    ])
    func `what is not in the table does not exist`(_ path: String) async throws {
        let bench = try GatewayBench()
        let token = try bench.token(claims(.admin))
        let response = try await onLoop { await bench.ask(.get, path, ["authorization": token]) }
        #expect(response.status == .notFound)
        #expect(bench.requests.isEmpty)
        await bench.service.stop()
    }

    @Test func `only administrators manage the catalog`() async throws {
        let bench = try GatewayBench()
        let tokens = [try bench.token(), try bench.token(claims(.admin))]
        let statuses = try await onLoop {
            var statuses: [Int] = []
            for token in tokens {
                let response = await bench.ask(.post, "/products", ["authorization": token])
                statuses.append(response.status.code)
            }
            return statuses
        }
        #expect(statuses == [403, 200])
        #expect(bench.requests.count == 1)
        await bench.service.stop()
    }

    @Test(arguments: ["Basic eA==", "Bearer", "Bearer ", "Bearer a b", "Bearer not.a.token"])
    func `other credentials are refused`(_ value: String) async throws {
        let bench = try GatewayBench()
        let statuses = try await onLoop {
            [
                await bench.ask(.get, "/orders", ["authorization": value]).status.code,
                await bench.ask(.get, "/products", ["authorization": value]).status.code,
                await bench.ask(.post, "/users/login", ["authorization": value]).status.code,
            ]
        }
        #expect(statuses == [401, 401, 200], "signing in looks at no token")
        await bench.service.stop()
    }

    @Test func `two authorization fields are refused, bearer is taken in any case`() async throws {
        let bench = try GatewayBench()
        let token = try bench.token()
        let statuses = try await onLoop {
            let twice: Headers = ["authorization": token, "authorization": token]
            let lower: Headers = ["authorization": "bEARER" + token.dropFirst(6)]
            return [
                await bench.ask(.get, "/orders", twice).status.code,
                await bench.ask(.get, "/orders", lower).status.code,
            ]
        }
        #expect(statuses == [401, 200])
        await bench.service.stop()
    }

    @Test func `an anonymous address has its limit, a user beside it another`() async throws {
        let bench = try GatewayBench(plan: { plan in
            plan.limits[LimitGroup.client]?.address = .perSecond(3)
        })
        let token = try bench.token()
        let (responses, user) = try await onLoop {
            var responses: [Response] = []
            for _ in 0..<4 { responses.append(await bench.ask(.get, "/products")) }
            return (responses, await bench.ask(.get, "/products", ["authorization": token]))
        }
        #expect(responses.map(\.status.code) == [200, 200, 200, 429])
        #expect(responses[3].headers[.retryAfter] == "1")
        #expect(responses[3].headers["ratelimit"] == #""address";r=0;t=1"#)
        #expect(responses[3].headers[.contentType] == "application/problem+json")
        #expect(user.status == .ok)
        #expect(bench.requests.count == 4)
        await bench.service.stop()
    }

    @Test func `five attempts a minute to sign in to an account, others unaffected`() async throws {
        let bench = try GatewayBench()
        let statuses = try await onLoop {
            func signIn(_ email: String) async -> Int {
                let body = [UInt8](#"{"email":"\#(email)","password":"x"}"#.utf8)
                return await bench.ask(.post, "/users/login", body: body).status.code
            }
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(await signIn("a@example.com")) }
            statuses.append(await signIn("A@Example.com"))
            statuses.append(await signIn("b@example.com"))
            return statuses
        }
        #expect(statuses == [200, 200, 200, 200, 200, 429, 200])
        await bench.service.stop()
    }

    @Test func `a content over a mebibyte is refused`() async throws {
        let bench = try GatewayBench()
        let statuses = try await onLoop {
            var statuses: [Int] = []
            for size in [1 << 20, 1 << 20 + 1] {
                let body = [UInt8](repeating: 0x20, count: size)
                statuses.append(await bench.ask(.post, "/users", body: body).status.code)
            }
            return statuses
        }
        #expect(statuses == [200, 413])
        await bench.service.stop()
    }

    @Test func `a service's answer comes back as it is`() async throws {
        let bench = try GatewayBench { _ throws(Problem) in
            throw Problem(
                .conflict,
                "out-of-stock",
                detail: "short",
                headers: ["x-anyway-inner": "1"]
            )
        }
        let token = try bench.token()
        let response = try await onLoop {
            await bench.ask(.post, "/orders", ["authorization": token])
        }
        #expect(response.status == .conflict)
        #expect(response.headers[.contentType] == "application/problem+json")
        #expect(!response.headers.contains("x-anyway-inner"))
        guard case .bytes(let body) = response.body else {
            Issue.record("no content")
            return
        }
        #expect(String(decoding: body, as: UTF8.self).contains("/problems/out-of-stock"))
        await bench.service.stop()
    }

    @Test func `an order with a key is tried again, one without is not`() async throws {
        let bench = try GatewayBench { _ throws(Problem) in throw .unavailable("down") }
        let token = try bench.token()
        let counts = try await onLoop {
            var counts: [Int] = []
            _ = await bench.ask(.post, "/orders", ["authorization": token])
            counts.append(bench.requests.count)
            _ = await bench.ask(
                .post,
                "/orders",
                ["authorization": token, "idempotency-key": "k"]
            )
            counts.append(bench.requests.count)
            return counts
        }
        #expect(counts == [1, 5])
        await bench.service.stop()
    }

    @Test func `a service that is gone is a 503 with a hint when to come again`() async throws {
        let bench = try GatewayBench()
        await bench.service.stop()
        let response = try await onLoop { await bench.ask(.get, "/products") }
        #expect(response.status == .serviceUnavailable)
        #expect(response.headers[.retryAfter] == "1")
        #expect(response.headers.contains("ratelimit"))
    }

    @Test func `long and endless answers stream through both servers`() async throws {
        let bench = try GatewayBench { request throws(Problem) in
            let pieces = request.path.description == "/products" ? 40 : 1
            return Response(
                .ok,
                headers: ["content-type": "text/plain"],
                body: .stream { writer in
                    for _ in 0..<pieces {
                        try await writer.write([UInt8](repeating: 7, count: 9000))
                    }
                }
            )
        }
        let handler = bench.handler
        let front = try TestServer(loops: 2) { request throws(Problem) in try await handler(request)
        }
        let sizes = try await onLoop {
            let client = HTTPClient()
            return try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let path = number % 2 == 0 ? "/products" : "/products/x"
                        let response = try await client.send(
                            ClientRequest(.get, path),
                            to: Endpoint(front.address),
                            until: .after(.seconds(5))
                        )
                        return try await response.body().count
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted()
            }
        }
        #expect(sizes == [9000, 9000, 9000, 9000, 360_000, 360_000, 360_000, 360_000])
        await front.stop()
        await bench.service.stop()
    }

    @Test func `a client that takes no JSON is told so before anything is done`() async throws {
        let bench = try GatewayBench()
        let statuses = try await onLoop {
            [
                await bench.ask(.post, "/users", ["accept": "text/html"]).status.code,
                await bench.ask(.post, "/users", ["accept": "application/json;q=0, */*"]).status
                    .code,
                await bench.ask(.post, "/users", ["accept": "text/html, */*;q=0.1"]).status.code,
                await bench.ask(.post, "/users", ["accept": "application/*"]).status.code,
            ]
        }
        #expect(statuses == [406, 406, 200, 200])
        #expect(bench.requests.count == 2)
        await bench.service.stop()
    }

    @Test func `HEAD is answered from GET`() async throws {
        let bench = try GatewayBench()
        let response = try await onLoop { await bench.ask(.head, "/products") }
        #expect(response.status == .ok)
        #expect(bench.requests.first?.method == .get)
        await bench.service.stop()
    }

    @Test func `the front page tells what to try, in two languages`() async throws {
        let bench = try GatewayBench()
        let types = try await onLoop {
            [
                await bench.ask(.get, "/").headers[.contentType],
                await bench.ask(.get, "/", ["accept": "text/html,*/*"]).headers[.contentType],
            ]
        }
        #expect(types == ["application/json", "text/html; charset=utf-8"])
        await bench.service.stop()
    }
}
