import Testing

@testable import Stack

@Suite struct `What each process is given` {
    private let layout = Layout("/srv/shop")

    private func plans(faults: Bool = false) throws -> [String: ProcessPlan] {
        var planner = Planner(
            layout: layout,
            executables: "/bin/anyway",
            replicas: UpOptions().replicas,
            ports: [:],
            faults: faults,
            extra: ["LOG_LEVEL": "debug"],
            scoped: [
                ScopedVariable(target: .service(.payment), name: "LOG_LEVEL", value: "error"),
                ScopedVariable(
                    target: .instance(InstanceName(service: .payment, number: 2)),
                    name: "TZ",
                    value: "Europe/Berlin"
                ),
            ]
        )
        planner.ports = try Allocation.ports(
            for: planner.instances(),
            gateway: 8080,
            remembered: [:],
            postgres: nil,
            isFree: { _ in true }
        ).services
        return Dictionary(uniqueKeysWithValues: planner.plans().map { ($0.name.description, $0) })
    }

    @Test func `a variable for some processes reaches them alone, over that for all`() throws {
        let plans = try plans()
        #expect(plans["payment.1"]?.environment["LOG_LEVEL"] == "error")
        #expect(plans["payment.2"]?.environment["TZ"] == "Europe/Berlin")
        #expect(plans["payment.1"]?.environment["TZ"] == "UTC")
        #expect(plans["product.2"]?.environment["LOG_LEVEL"] == "debug")
    }

    @Test func `a full stack has 18 processes on ports of their own`() throws {
        let plans = try plans()
        #expect(plans.count == 18)
        let ports = plans.values.flatMap { [$0.ports.listen, $0.ports.admin] }
        #expect(Set(ports).count == 36)
        #expect(plans["gateway.1"]?.ports.listen == 8080)
        // Everything on this machine is one address to the gateway.
        let perAddress = "HTTP_MAX_CONNECTIONS_PER_ADDRESS"
        #expect(plans["gateway.1"]?.environment[perAddress] == "20000")
        #expect(plans["order.1"]?.environment[perAddress] == nil)
    }

    @Test func `an order process finds its database, its certificate and every upstream instance`()
        throws
    {
        let plans = try plans()
        let order = try #require(plans["order.2"])
        #expect(order.executable == "/bin/anyway/order")
        let environment = order.environment
        #expect(environment["INSTANCE"] == "order.2")
        #expect(environment["LISTEN"] == "127.0.0.1:\(order.ports.listen)")
        #expect(environment["ADMIN_LISTEN"] == "127.0.0.1:\(order.ports.admin)")
        #expect(environment["DATABASE_URL_FILE"] == "/srv/shop/secrets/order-database-url")
        #expect(environment["TLS_CERT"] == "/srv/shop/certificates/order.2.pem")
        #expect(environment["TLS_KEY"] == "/srv/shop/secrets/order.2.key")
        #expect(environment["TLS_CA"] == "/srv/shop/certificates/authority.pem")
        #expect(environment["EVENT_LOOPS"] == "1")
        #expect(environment["LOG_LEVEL"] == "debug")
        #expect(environment["FAULTS"] == nil)
        let products = (1...5).compactMap { plans["product.\($0)"]?.ports.listen }
        #expect(
            environment["UPSTREAM_PRODUCT"]
                == products.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        )
        #expect(environment["UPSTREAM_PAYMENT"]?.split(separator: ",").count == 2)
        #expect(environment["UPSTREAM_USER"] == nil)
    }

    @Test func `the gateway has no database and the provider no certificate`() throws {
        let plans = try plans()
        let gateway = try #require(plans["gateway.1"]?.environment)
        let provider = try #require(plans["provider.1"])
        #expect(gateway["DATABASE_URL_FILE"] == nil)
        #expect(gateway["EVENT_LOOPS"] == "2")
        #expect(gateway.keys.count { $0.hasPrefix("UPSTREAM_") } == 5)
        #expect(provider.environment["TLS_CERT"] == nil)
        #expect(
            provider.environment["DATABASE_URL_FILE"] == "/srv/shop/secrets/provider-database-url"
        )
        let url = plans["payment.1"]?.environment["PROVIDER_URL"]
        #expect(url == "http://127.0.0.1:\(provider.ports.listen)")
    }

    @Test func `faults are on everywhere or nowhere`() throws {
        #expect(try plans(faults: true).values.allSatisfy { $0.environment["FAULTS"] == "on" })
    }
}

@Suite struct `Choosing ports` {
    private let names = [1, 2].map { InstanceName(service: .order, number: $0) }

    @Test func `a process comes back on its ports`() throws {
        let known = [names[0]: PortPair(listen: 11_000, admin: 11_001)]
        let result = try Allocation.ports(
            for: names,
            gateway: 8080,
            remembered: known,
            postgres: 11_002,
            isFree: { _ in true }
        )
        #expect(result.services[names[0]] == PortPair(listen: 11_000, admin: 11_001))
        #expect(result.postgres == 11_002)
    }

    @Test func `a port that somebody else took meanwhile is replaced`() throws {
        let known = [names[0]: PortPair(listen: 11_000, admin: 11_001)]
        let result = try Allocation.ports(
            for: names,
            gateway: 8080,
            remembered: known,
            postgres: nil,
            isFree: { $0 != 11_000 }
        )
        let pair = try #require(result.services[names[0]])
        #expect(pair.listen != 11_000)
        #expect(pair.admin == 11_001)
    }

    @Test func `no port is given twice`() throws {
        let many = (1...100).map { InstanceName(service: .order, number: $0) }
        let result = try Allocation.ports(
            for: many,
            gateway: 8080,
            remembered: [:],
            postgres: nil,
            isFree: { _ in true }
        )
        let pairs = Array(result.services.values)
        let all = pairs.map(\.listen) + pairs.map(\.admin) + [result.postgres, 8080]
        #expect(Set(all).count == 202)
    }

    @Test func `ports stay clear of those that outgoing connections get`() {
        #expect(Ports.candidates(ephemeral: "32768\t60999\n") == 10_240...32_767)
        #expect(Ports.candidates(ephemeral: "20000 60999") == 10_240...19_999)
        #expect(Ports.candidates(ephemeral: nil) == 10_240...32_767)
        #expect(Ports.candidates(ephemeral: "1024 65535") == 20_000...60_000)
    }

    @Test func `without any free port the search ends`() {
        #expect(throws: StackError.self) { try Ports.choose(avoiding: [], isFree: { _ in false }) }
    }
}
