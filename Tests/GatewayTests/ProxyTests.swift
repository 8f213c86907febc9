import HTTP
import Identity
import Reactor
import Synchronization
import Testing

@testable import Gateway

@Suite struct TrustedProxiesTests {
    private static let proxies = TrustedProxies("10.0.0.0/8, 127.0.0.1, fd00::/8")

    private func request(
        _ from: String,
        _ headers: Headers,
        _ target: String = "/products"
    ) throws -> Request {
        Request(
            .get,
            target,
            headers: headers,
            remote: try SocketAddress(literal: from, port: 1)
        )
    }

    private func client(_ from: String, _ headers: Headers) throws -> String? {
        let proxies = try #require(Self.proxies)
        return proxies.origin(of: try request(from, headers))?.1.hostText
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("192.168.1.128/25", "192.168.1.129", true), ("192.168.1.128/25", "192.168.1.127", false),
        ("0.0.0.0/0", "1.2.3.4", true), ("1.2.3.4", "1.2.3.4", true), ("1.2.3.4", "1.2.3.5", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("::1", "::1", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("::/0", "10.0.0.1", false),
    ])
    func `a range has the addresses that begin as it does`(
        _ range: String,
        _ address: String,
        _ expected: Bool
    ) throws {
        let address = try SocketAddress(literal: address, port: 0)
        #expect(AddressRange(range)?.contains(address) == expected)
    }

    @Test(arguments: [
        "", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "10.0.0/8", ",",
    ])
    func `what is no range is refused`(_ text: String) {
        #expect(TrustedProxies(text) == nil)
    }

    @Test func `only a trusted proxy is asked where a request comes from`() throws {
        #expect(try client("8.8.8.8", ["x-forwarded-for": "1.1.1.1"]) == nil)
        #expect(try client("10.0.0.1", ["x-forwarded-for": "1.1.1.1"]) == "1.1.1.1")
        #expect(try client("10.0.0.1", [:]) == "10.0.0.1")
    }

    @Test func `the client is the last address that no trusted proxy has`() throws {
        for (list, expected) in [
            ("6.6.6.6, 1.1.1.1", "1.1.1.1"), ("6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
            ("10.0.0.3", "10.0.0.3"), ("evil, 1.1.1.1", "1.1.1.1"), ("1.1.1.1, evil", "10.0.0.1"),
            ("1.1.1.1:80", "1.1.1.1"), ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"), ("", "10.0.0.1"), (", ,", "10.0.0.1"),
        ] {
            #expect(try client("10.0.0.1", ["x-forwarded-for": list]) == expected, "\(list)")
        }
        let lines: Headers = ["x-forwarded-for": "6.6.6.6", "x-forwarded-for": "1.1.1.1"]
        #expect(try client("10.0.0.1", lines) == "1.1.1.1")
        let long = Array(repeating: "10.0.0.9", count: 1000).joined(separator: ",")
        #expect(try client("10.0.0.1", ["x-forwarded-for": long]) == "10.0.0.9")
    }

    @Test func `services are told the whole way, and nothing that nobody vouches for`() throws {
        let proxies = try #require(Self.proxies)
        let request = try request(
            "10.0.0.1",
            [
                "host": "inner:8080", "x-forwarded-for": "6.6.6.6, 2001:db8::1, 10.0.0.2",
                "x-forwarded-proto": "https", "x-forwarded-host": "shop.example:443",
                "forwarded": "for=6.6.6.6", "via": "1.1 front",
            ]
        )
        let (origin, client) = try #require(proxies.origin(of: request))
        let headers = ClientOrigin.$current.withValue(origin) {
            ForwardedHead.headers(request.coming(from: client), nil)
        }
        #expect(headers.all("x-forwarded-for") == ["2001:db8::1, 10.0.0.2, 10.0.0.1"])
        #expect(headers.all("x-forwarded-proto") == ["https"])
        #expect(headers.all("x-forwarded-host") == ["shop.example:443"])
        #expect(
            headers.all("forwarded") == [
                #"for="[2001:db8::1]";proto=https;host="shop.example:443", "#
                    + "for=10.0.0.2, for=10.0.0.1"
            ]
        )
        #expect(headers.all("via") == ["1.1 front, 1.1 anyway"])
    }

    @Test func `without a proxy the connection alone says where a request comes from`() throws {
        let request = try request(
            "8.8.8.8",
            [
                "host": "shop.example", "x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https",
                "x-forwarded-host": "evil", "x-forwarded-port": "1", "forwarded": "for=6.6.6.6",
                "via": "1.1 evil", "x_forwarded_for": "6.6.6.6",
            ]
        )
        let headers = ForwardedHead.headers(request, nil)
        #expect(headers.all("x-forwarded-for") == ["8.8.8.8"])
        #expect(headers.all("x-forwarded-proto") == ["http"])
        #expect(headers.all("x-forwarded-host") == ["shop.example"])
        #expect(headers.all("forwarded") == ["for=8.8.8.8;proto=http;host=shop.example"])
        #expect(headers.all("via") == ["1.1 anyway"])
        #expect(!headers.contains { $0.value.contains("evil") || $0.value.contains("6.6.6.6") })
    }

    @Test func `a proxy that says nonsense of scheme and host is not repeated`() throws {
        let proxies = try #require(Self.proxies)
        let request = try request(
            "10.0.0.1",
            ["host": "inner", "x-forwarded-proto": "ftp", "x-forwarded-host": "a\"; b"]
        )
        let (origin, _) = try #require(proxies.origin(of: request))
        #expect(origin.scheme == "http" && origin.host == "inner")
    }

    @Test func `what a proxy says that services are told is what kept answers are found by`()
        async throws
    {
        let proxies = try #require(Self.proxies)
        let bench = try CacheBench()
        bench.script("/a", ["200 | cache-control: max-age=60"])
        let handler = proxies.wrap(bench.table.wrap(Router().handler))
        @Sendable func ask(_ host: String, _ scheme: String) async throws {
            let headers: Headers = [
                "host": "inner", "x-forwarded-host": host, "x-forwarded-proto": scheme,
            ]
            let response = try await handler(try request("10.0.0.1", headers, "/a"))
            #expect(response.status == .ok)
        }
        try await onLoop {
            for (host, scheme) in [("one", "http"), ("two", "http"), ("one", "https")] {
                for _ in 0..<2 { try await ask(host, scheme) }
            }
        }
        let seen = bench.requests("/a").map(\.headers)
        #expect(seen.map { $0["x-forwarded-host"] } == ["one", "two", "one"])
        #expect(seen.map { $0["x-forwarded-proto"] } == ["http", "http", "https"])
        await bench.stop()
    }

    @Test func `a reference is of the same origin if it names the host that clients ask for`()
        throws
    {
        let inner = try request("10.0.0.1", ["host": "inner"])
        let origin = ClientOrigin(chain: ["1.1.1.1"], scheme: "https", host: "shop.example")
        ClientOrigin.$current.withValue(origin) {
            #expect(
                Invalidation.path(of: "https://Shop.example/a", from: inner)?.description == "/a"
            )
            #expect(Invalidation.path(of: "https://inner/a", from: inner) == nil)
        }
        #expect(Invalidation.path(of: "https://inner/a", from: inner)?.description == "/a")
    }

    @Test func `limits count the client behind a proxy, and the proxy of nobody`() async throws {
        let proxies = try #require(Self.proxies)
        let bench = try GatewayBench(plan: { plan in
            plan.limits[LimitGroup.client]?.address = .perSecond(2)
        })
        let handler = proxies.wrap(bench.handler)
        @Sendable func status(_ from: String, _ list: String) async throws -> Int {
            let request = try request(from, ["x-forwarded-for": list])
            do throws(Problem) { return try await handler(request).status.code } catch {
                return error.status.code
            }
        }
        let statuses = try await onLoop {
            var statuses: [Int] = []
            // Two clients of one proxy, each with a limit of its own.
            for client in ["1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2", "1.1.1.1"] {
                statuses.append(try await status("10.0.0.1", client))
            }
            // A stranger who makes up an address for each request.
            for number in 0..<3 { statuses.append(try await status("8.8.8.8", "9.9.9.\(number)")) }
            return statuses
        }
        #expect(statuses == [200, 200, 200, 200, 429, 200, 200, 429])
        #expect(bench.requests.first?.headers["x-forwarded-for"] == "1.1.1.1, 10.0.0.1")
        await bench.service.stop()
    }
}

/// What the gateway shows of itself.
@Suite struct GatewayViewTests {
    private func json(_ response: Response) throws -> JSONValue {
        guard case .bytes(let bytes) = response.body else { return .null }
        return try JSON.decode(JSONValue.self, from: bytes)
    }

    @Test func `the admin port shows routes, upstreams and limits`() async throws {
        let bench = try GatewayBench()
        var router = Router()
        GatewayView(name: "gateway.1", table: bench.table, gateways: LiveGateways())
            .addAdmin(to: &router)
        let handler = router.handler
        let (routes, upstreams, limits) = try await onLoop {
            for _ in 0..<3 { _ = await bench.ask(.get, "/products") }
            return (
                try json(try await handler(Request(.get, "/routes"))),
                try json(try await handler(Request(.get, "/upstreams"))),
                try json(try await handler(Request(.get, "/limits")))
            )
        }
        let checkout = routes["routes"]?.array?.first { route in
            route["paths"] == ["/orders"] && route["methods"] == ["POST"]
        }
        #expect(checkout?["priority"] == "high")
        #expect(checkout?["auth"] == "required")
        #expect(checkout?["timeout_ms"] == 15_000)
        #expect(checkout?["try_timeout_ms"] == 11_000)
        #expect(routes["routes"]?.array?.count == bench.table.snapshot.plan.routes.count)

        let product = upstreams["upstreams"]?.array?.first { $0["name"] == "product" }
        #expect(product?["in_flight"] == 0)
        #expect(product?["retries_left"]?.integer ?? 0 >= 10)
        let instance = product?["instances"]?.array?.first
        #expect(instance?["breaker"] == "closed")
        #expect(instance?["calls"] == 3)
        #expect(instance?["out"] == false)
        #expect(product?["shedding"]?["limit"] == 128)
        #expect(product?["shedding"]?["refused"]?["low"] == 0)
        #expect(product?["shedding"]?["calm_ms"]?["GET /products"] != nil)

        #expect(limits["gateways"] == 1)
        let addresses = limits["groups"]?["client"]?["address"]
        #expect(addresses?["clients"] == 1)
        #expect(addresses?["burst"] == 100)
        #expect(limits["groups"]?["sign-in"]?["account"]?["seconds"] == 60)
        await bench.service.stop()
    }

    @Test func `administrators see it through the gateway, others do not`() async throws {
        let bench = try GatewayBench()
        let (customer, admin) = (try bench.token(), try bench.token(claims(.admin)))
        let answers = try await onLoop {
            [
                await bench.ask(.get, "/ops/topology"),
                await bench.ask(.get, "/ops/topology", ["authorization": customer]),
                await bench.ask(.get, "/ops/topology", ["authorization": admin]),
            ]
        }
        #expect(answers.map(\.status.code) == [401, 403, 200])
        #expect(answers[2].headers[.cacheControl] == "no-store")
        let topology = try json(answers[2])
        #expect(topology["gateway"] == "gateway.1")
        #expect(topology["upstreams"]?.array?.count == 5)
        #expect(bench.requests.isEmpty)
        await bench.service.stop()
    }

    @Test func `a gateway that believes no tokens has no operators`() async throws {
        let bench = try GatewayBench(plan: { plan in
            plan.keys = nil
            plan.routes = plan.routes.filter { $0.access == .anyone }
        })
        let admin = try bench.token(claims(.admin))
        let answer = try await onLoop {
            await bench.ask(.get, "/ops/topology", ["authorization": admin])
        }
        #expect(answer.status == .notFound)
        await bench.service.stop()
    }
}
