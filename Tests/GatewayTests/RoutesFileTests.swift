import HTTP
import Mesh
import Reactor
import Testing

@testable import Gateway

@Suite struct RoutesFileTests {
    /// A file with one line of routes, the fifth of its lines.
    static func file(_ route: String, more: String = "") -> [UInt8] {
        [UInt8](
            """
            {
              "upstreams": {"a": {"endpoints": "127.0.0.1:1", "tls": "none"}},
              "limits": {"client": {"user": {"requests": 9}, "address": {"requests": 9}}},\(more)
              "routes": [
                \(route)
              ]
            }
            """.utf8
        )
    }

    static func fault(_ bytes: [UInt8]) -> String? {
        do throws(RoutesFault) {
            _ = try RoutingPlan(bytes) { _ in nil }
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a plain line is a route with the defaults`() throws {
        let plan = try RoutingPlan(
            Self.file(#"{"path": "/x/{id}", "methods": ["GET"], "upstream": "a"}"#)
        ) { _ in nil }
        var route = Route([.get], "/x/{id}", to: "a")
        route.passesCredentials = true
        #expect(plan.routes == [route])
        #expect(plan.upstreams["a"]?.transport == RoutingPlan.Origin.Transport.none)
        #expect(plan.upstreams["a"]?.health == nil)
        #expect(plan.limits["client"]?.user == .perSecond(9))
    }

    @Test func `an upstream says how its instances are found`() throws {
        func plan(_ kind: String) throws -> RoutingPlan {
            let text = String(decoding: Self.file(""), as: UTF8.self)
                .replacing(#""tls": "none""#, with: #""tls": "none", "balancing": "\#(kind)""#)
            return try RoutingPlan([UInt8](text.utf8)) { _ in nil }
        }
        #expect(try plan("ring").upstreams["a"]?.balancing == .ring)
        #expect(try plan("least-requests").upstreams["a"]?.balancing == .leastRequests)
        #expect(
            throws: RoutesFault(
                pointer: "/upstreams/a/balancing",
                reason: "must be 'least-requests' or 'ring'",
                line: 2
            )
        ) { try plan("random") }
    }

    @Test func `a prefix takes everything below it`() throws {
        let plan = try RoutingPlan(
            Self.file(#"{"prefix": "/", "methods": ["GET", "POST"], "upstream": "a"}"#)
        ) { _ in nil }
        #expect(plan.routes.map(\.templates) == [["/", "/{rest...}"]])
    }

    @Test(arguments: [
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "b"}"#,
            "line 5: /routes/0/upstream there is no such upstream"
        ),
        (
            #"{"path": "x", "methods": ["GET"], "upstream": "a"}"#,
            "line 5: /routes/0/path must be like /orders/{id}: a slash, then segments or {name}"
        ),
        (
            #"{"path": "/{a}/{a}", "methods": ["GET"], "upstream": "a"}"#,
            "line 5: /routes/0/path must be like /orders/{id}: a slash, then segments or {name}"
        ),
        (
            #"{"methods": ["GET"], "upstream": "a"}"#,
            "line 5: /routes/0 must have a path or a prefix, and one only"
        ),
        (
            #"{"path": "/x", "prefix": "/", "methods": ["GET"], "upstream": "a"}"#,
            "line 5: /routes/0 must have a path or a prefix, and one only"
        ),
        (
            #"{"path": "/x", "methods": [], "upstream": "a"}"#,
            "line 5: /routes/0/methods names no method"
        ),
        (
            #"{"path": "/x", "methods": ["get"], "upstream": "a"}"#,
            "line 5: /routes/0/methods/0 must be GET (which brings HEAD), POST, PUT, PATCH, DELETE or OPTIONS"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "auth": "maybe"}"#,
            "line 5: /routes/0/auth must be 'none', 'optional', 'required' or 'role:admin'"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "auth": "required"}"#,
            "line 5: /routes/0/auth needs the keys that sign tokens; say under /keys where they are"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "limit": "none"}"#,
            "line 5: /routes/0/limit there is no such limit"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "timeout_ms": 0}"#,
            "line 5: /routes/0/timeout_ms must be within 1 and 600000"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "try_timeout_ms": 5}"#,
            "line 5: /routes/0/try_timeout_ms needs timeout_ms, of which it is a part"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "timeout_ms": 5, "try_timeout_ms": 5}"#,
            "line 5: /routes/0/try_timeout_ms must be at least 1 and less than timeout_ms, which is 5"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "timeout_ms": 1, "try_timeout_ms": 0}"#,
            "line 5: /routes/0/try_timeout_ms must be at least 1 and less than timeout_ms, which is 1"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "retries": 11}"#,
            "line 5: /routes/0/retries must be within 0 and 10"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "timout_ms": 5}"#,
            "line 5: /routes/0/timout_ms is unknown here; known are path, prefix, methods, upstream, auth, priority, limit, timeout_ms, try_timeout_ms, retries, honours_key, types, body_limit, stream_body, cache"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "cache": "on"}"#,
            "line 5: /routes/0/cache must be 'off' or 'standard'"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "cache": {"mode": "on"}}"#,
            "line 5: /routes/0/cache/mode must be 'off' or 'standard'"
        ),
        (
            #"{"path": "/x", "methods": ["POST"], "upstream": "a", "cache": "standard"}"#,
            "line 5: /routes/0/cache needs GET among the methods: nothing else is kept"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "cache": {"default_ttl": -1}}"#,
            "line 5: /routes/0/cache/default_ttl must be within 0 and 31536000"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "cache": {"ttl": 1}}"#,
            "line 5: /routes/0/cache/ttl is unknown here; known are mode, default_ttl, stale_if_error, stale_while_revalidate, allow_authorized, heuristics, events"
        ),
        (
            #"{"path": "/x", "methods": ["GET"], "upstream": "a", "cache": {"events": ["x"]}}"#,
            "line 5: /routes/0/cache/events needs a feed that tells of them; say under /cache/feeds where one is"
        ),
        (
            #"{"path": "/x", "methods": "GET", "upstream": "a"}"#,
            "line 5: /routes/0/methods must be an array"
        ),
        (
            "{\"path\": \"/x\", \"methods\": [\"GET\"], \"upstream\": \"a\"},\n{\"path\": \"/x\", \"methods\": [\"GET\"], \"upstream\": \"a\"}",
            "line 6: /routes/1 GET /x is there already"
        ),
        (
            "{\"path\": \"/{a}\", \"methods\": [\"GET\"], \"upstream\": \"a\"},\n{\"path\": \"/{b}\", \"methods\": [\"GET\"], \"upstream\": \"a\"}",
            "line 6: /routes/1 GET /{b} is there already"
        ),
    ])
    func `what is wrong is named with its line`(_ route: String, _ expected: String) {
        #expect(Self.fault(Self.file(route)) == expected)
    }

    @Test func `text that is no JSON is named with its line`() {
        let fault = Self.fault(Self.file(#"{"path": "/x",, }"#))
        #expect(fault == "line 1: the content is not JSON: line 5, column 19")
    }

    @Test(arguments: [
        (
            #""cors": {"origins": ["shop"]},"#,
            "line 4: /cors/origins/0 must be like https://shop.example, without a path, or *"
        ),
        (
            #""cors": {"origins": ["*"], "credentials": true},"#,
            "line 4: /cors/credentials cannot be true while every origin is allowed; name the origins"
        ),
        (
            #""cors": {"origins": ["*"], "headers": ["a b"]},"#,
            "line 4: /cors/headers/0 is no name of a field"
        ),
        (
            #""keys": {"upstream": "b", "path": "/k"},"#,
            "line 4: /keys/upstream there is no such upstream"
        ),
        (
            #""cache": {"bytes": 5},"#,
            "line 4: /cache/bytes must be within 1048576 and 1099511627776"
        ),
        (
            #""cache": {"bytes": 4194304, "entry_bytes": 1048577},"#,
            "line 4: /cache/entry_bytes must be within 1 and 1048576"
        ),
        (
            #""cache": {"feeds": [{"upstream": "b", "path": "/events"}]},"#,
            "line 4: /cache/feeds/0/upstream there is no such upstream"
        ),
        (#""keys": {"upstream": "a", "path": "k"},"#, "line 4: /keys/path must begin with a slash"),
    ])
    func `other members are checked too`(_ member: String, _ expected: String) {
        let route = #"{"path": "/x", "methods": ["GET"], "upstream": "a"}"#
        #expect(Self.fault(Self.file(route, more: "\n" + member)) == expected)
    }

    @Test func `endpoints come from the environment, and a missing variable is named`() throws {
        let text = String(
            decoding: Self.file(#"{"path": "/x", "methods": ["GET"], "upstream": "a"}"#),
            as: UTF8.self
        )
        let bytes = [UInt8](text.replacing("127.0.0.1:1", with: "$UPSTREAM_A").utf8)
        let plan = try RoutingPlan(bytes) { $0 == "UPSTREAM_A" ? "10.0.0.1:80" : nil }
        #expect(plan.upstreams["a"]?.endpoints.all.map(\.description) == ["10.0.0.1:80"])
        #expect(Self.fault(bytes)?.contains("the environment has no UPSTREAM_A") == true)
    }

    @Test func `a burst changes the size of a bucket and not its rate`() throws {
        let text = String(
            decoding: Self.file(#"{"path": "/x", "methods": ["GET"], "upstream": "a"}"#),
            as: UTF8.self
        )
        let bytes = [UInt8](
            text.replacing(
                #""user": {"requests": 9}"#,
                with: #""user": {"requests": 10, "burst": 50}"#
            ).utf8
        )
        let policy = try #require(try RoutingPlan(bytes) { _ in nil }.limits["client"]?.user)
        #expect(policy.quota == 50)
        #expect(policy.window == .seconds(5))
    }

    @Test func `the built-in file is right`() throws {
        let plan = try RoutingPlan(PackageResources.routes_json) { _ in "127.0.0.1:1" }
        #expect(plan.routes.count > 15)
        #expect(plan.keys?.upstream == "user")
    }

    @Test func `orders have time for the longest wait, and for another try`() throws {
        let plan = try RoutingPlan(PackageResources.routes_json) { _ in "127.0.0.1:1" }
        let patient = plan.routes(to: "order").filter { $0.timeout != nil }
        #expect(patient.map(\.templates) == [["/orders"], ["/orders/{id}/cancel"]])
        for route in patient {
            let (call, one) = (try #require(route.timeout), try #require(route.tryTimeout))
            // `Prefer: wait=10` is the most that a client is waited for.
            #expect(route.honoursKey && one > .seconds(10) && call - one >= .seconds(4))
        }
    }
}

@Suite struct RouteTableTests {
    @Test func `a plan put in force later answers, and what is gone does not`() async throws {
        let bench = try GatewayBench()
        var plan = bench.table.snapshot.plan
        plan.routes = [Route([.get], "/new", to: "product")]
        let before = try await onLoop {
            [
                await bench.ask(.get, "/new").status.code,
                await bench.ask(.get, "/products").status.code,
            ]
        }
        bench.table.take(plan, keysFromUpstream: false)
        let after = try await onLoop {
            [
                await bench.ask(.get, "/new").status.code,
                await bench.ask(.get, "/products").status.code,
            ]
        }
        #expect(before == [404, 200])
        #expect(after == [200, 404])
        await bench.service.stop()
    }

    @Test func `limits that stay as they were keep counting over a change`() async throws {
        let bench = try GatewayBench(plan: { $0.limits["client"]?.address = .perSecond(2) })
        var plan = bench.table.snapshot.plan
        plan.cors = CorsPolicy(origins: ["*"])
        let statuses = try await onLoop { [plan] in
            var statuses = [await bench.ask(.get, "/products").status.code]
            statuses.append(await bench.ask(.get, "/products").status.code)
            bench.table.take(plan, keysFromUpstream: false)
            statuses.append(await bench.ask(.get, "/products").status.code)
            return statuses
        }
        #expect(statuses == [200, 200, 429])
        await bench.service.stop()
    }

    @Test func `a WebSocket is refused, another upgrade is ignored`() async throws {
        let bench = try GatewayBench()
        let statuses = try await onLoop {
            [
                await bench.ask(.get, "/products", ["upgrade": "WebSocket"]).status.code,
                await bench.ask(.get, "/products", ["upgrade": "h2c"]).status.code,
            ]
        }
        #expect(statuses == [501, 200])
        #expect(bench.requests.count == 1)
        await bench.service.stop()
    }

    @Test func `pages of allowed origins may read, others may not`() async throws {
        let bench = try GatewayBench(plan: { $0.cors = CorsPolicy(origins: ["https://shop.test"]) })
        let (allowed, other, none) = try await onLoop {
            (
                await bench.ask(.get, "/products", ["origin": "https://shop.test"]),
                await bench.ask(.get, "/products", ["origin": "https://evil.test"]),
                await bench.ask(.get, "/products")
            )
        }
        #expect(allowed.headers["access-control-allow-origin"] == "https://shop.test")
        #expect(allowed.headers.lists("origin", in: .vary))
        #expect(!other.headers.contains("access-control-allow-origin"))
        #expect(other.headers.lists("origin", in: .vary))
        #expect(!none.headers.contains("access-control-allow-origin"))
        await bench.service.stop()
    }

    @Test func `a preflight is answered here, without a token`() async throws {
        let bench = try GatewayBench(plan: { $0.cors = CorsPolicy(origins: ["https://shop.test"]) })
        let response = try await onLoop {
            await bench.ask(
                .options,
                "/orders",
                ["origin": "https://shop.test", "access-control-request-method": "POST"]
            )
        }
        #expect(response.status == .noContent)
        #expect(response.headers["access-control-allow-methods"] == "POST, GET")
        #expect(response.headers["access-control-max-age"] == "600")
        #expect(bench.requests.isEmpty)
        await bench.service.stop()
    }

    @Test func `problems of the gateway's own can be read by allowed pages`() async throws {
        let bench = try GatewayBench(plan: { $0.cors = CorsPolicy(origins: ["https://shop.test"]) })
        let response = try await onLoop {
            await bench.ask(.get, "/orders", ["origin": "https://shop.test"])
        }
        #expect(response.status == .unauthorized)
        #expect(response.headers["access-control-allow-origin"] == "https://shop.test")
        await bench.service.stop()
    }
}
