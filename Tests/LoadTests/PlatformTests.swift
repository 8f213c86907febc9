import HTTP
import Reactor
import Testing

@testable import Load

@Suite struct `What the platform says of itself` {
    @Test func `metrics are read line by line`() {
        let text = """
            # HELP mesh_instance_breaker 0 closed, 1 half-open, 2 open.
            # TYPE mesh_instance_breaker gauge
            mesh_instance_breaker{upstream="payment",instance="127.0.0.1:7000"} 2
            mesh_instance_breaker{upstream="payment",instance="127.0.0.1:7001"} 1
            mesh_instance_breaker{upstream="product",instance="127.0.0.1:7002"} 0
            sagas_pending{saga="place",phase="running"} 3
            sagas_pending{saga="cancel",phase="running"} 2
            process_open_fds 17
            nonsense
            """
        let samples = MetricsText.samples(text)
        #expect(samples.count == 6)
        #expect(samples[0].labels == ["upstream": "payment", "instance": "127.0.0.1:7000"])
        #expect(samples[5] == .init(name: "process_open_fds", labels: [:], value: 17))
        let all = Gauges([text, text])
        #expect(all.open == 2 && all.halfOpen == 2 && all.closed == 2 && all.sagas == 5)
        let payment = Gauges([text], upstream: "payment")
        #expect(payment.open == 1 && payment.halfOpen == 1 && payment.closed == 0)
    }

    @Test func `a stack's processes are what its environment lists`() {
        let members = StackPlatform.members(
            """
            ANYWAY_URL=http://localhost:8080
            ORDER_DATABASE_URL=postgres://order:x@127.0.0.1:1/order
            ORDER_1_LISTEN=127.0.0.1:11000
            ORDER_1_ADMIN_LISTEN=127.0.0.1:11001
            ORDER_1_TLS_CERT=/x
            ORDER_2_LISTEN=127.0.0.1:11002
            ORDER_2_ADMIN_LISTEN=127.0.0.1:11003
            """
        )
        #expect(members.map(\.name) == ["postgres", "order.1", "order.2"])
        #expect(members[2].admin?.port == 11003 && members[2].listen?.port == 11002)
        #expect(members[0].isDatabase && members[0].admin == nil)
    }

    @Test func `a container is known by its labels, a stopped one has no address`() throws {
        let order = try #require(
            ComposePlatform.container("/shop_order_2 order up 172.18.0.7 172.19.0.2 ")
        )
        #expect(order.member.name == "shop_order_2" && order.member.service == "order")
        #expect(order.member.admin?.description == "172.18.0.7:9000")
        #expect(order.member.listen?.description == "172.18.0.7:7000" && !order.isExtra)
        let database = try #require(
            ComposePlatform.container("/shop_order-postgres_1 order-postgres up 172.18.0.8")
        )
        #expect(database.member.isDatabase && database.member.admin == nil)
        let stopped = try #require(ComposePlatform.container("/shop_user_1 user up "))
        #expect(stopped.member.admin == nil)
        #expect(ComposePlatform.container("/anyway-load-7 gateway run 10.0.0.2")?.isExtra == true)
    }

    @Test(arguments: ["provision", "prometheus", "grafana", "jaeger", "load", "verify"])
    func `whoever provides for the platform, watches it or sends load is no part of it`(
        service: Substring
    ) {
        #expect(ComposePlatform.container("/shop_x_1 \(service) up 172.18.0.7") == nil)
    }

    @Test func `load goes to the platform's own gateway, wherever its ports were moved`() throws {
        let lines: [Substring] = [
            "/shop_order_1 order up 172.18.0.7", "/shop_gateway_1 gateway up 172.18.0.9 172.19.0.9",
        ]
        let members = lines.compactMap { ComposePlatform.container($0)?.member }
        let address = try Session.gateway(of: members)
        #expect(address == ShopAddress(try SocketAddress(literal: "172.18.0.9", port: 8080)))
        #expect(address.host == "172.18.0.9" && address.port == 8080)
        let stack = StackPlatform.members("GATEWAY_1_LISTEN=127.0.0.1:18080")
        #expect(try Session.gateway(of: stack) == ShopAddress("http://127.0.0.1:18080"))
        #expect(throws: Shop.Failed.self) { () throws in
            try Session.gateway(of: Array(members.prefix(1)))
        }
    }
}

@Suite struct `Trouble` {
    private static let members =
        ["order.1", "order.2", "payment.1", "gateway.1"].map {
            Member(service: String($0.prefix { $0 != "." }), name: $0, admin: .loopback(port: 1))
        } + [Member(service: "postgres", name: "postgres")]

    private func plan(_ seed: UInt64, faults: Bool = true) -> ChaosPlan {
        ChaosPlan(seed: seed, seconds: 300, members: Self.members, takesFaults: faults)
    }

    @Test func `chaos is the same for the same seed and another for another`() {
        #expect(plan(1) == plan(1))
        #expect(plan(1) != plan(2))
    }

    @Test func `each fault of chaos has a name of its own, by which it is taken back alone`() {
        let names = plan(1).troubles.compactMap { trouble -> String? in
            guard case .fault(let rule, _) = trouble.kind else { return nil }
            return rule["name"]?.string ?? ""
        }
        #expect(names.count > 3 && !names.contains(""))
        #expect(Set(names).count == names.count)
    }

    @Test func `chaos ends in time, leaves the gateway alone and databases without faults`() {
        for seed in 1...50 as ClosedRange<UInt64> {
            let plan = plan(seed)
            #expect(plan.troubles.count > 10)
            for trouble in plan.troubles {
                #expect(trouble.at >= 0 && trouble.at + trouble.lasts < 300)
                #expect(trouble.target.service != "gateway")
                if case .fault = trouble.kind { #expect(!trouble.target.isDatabase) }
            }
        }
        let kinds = (1...20 as ClosedRange<UInt64>).flatMap { plan($0, faults: false).troubles }
        #expect(kinds.allSatisfy { $0.kind == .kill || $0.kind == .pause })
    }
}

@Suite struct `The walk of a breaker` {
    private func look(
        _ second: Double,
        _ closed: Int,
        _ half: Int,
        _ open: Int,
        calls: Int = 0
    ) -> BreakerWalk.Look {
        var gauges = Gauges([])
        gauges.closed = closed
        gauges.halfOpen = half
        gauges.open = open
        return BreakerWalk.Look(second: second, breakers: gauges, calls: calls, outcomes: [:])
    }

    private func walk(_ looks: [BreakerWalk.Look]) -> (BreakerVerdict, [BreakerVerdict.Action]) {
        var verdict = BreakerVerdict()
        let actions = looks.map { verdict.take($0) }
        return (verdict, actions)
    }

    @Test func `closed, open, half-open and closed again holds`() {
        let (verdict, actions) = walk([
            look(0, 2, 0, 0, calls: 3), look(1, 2, 0, 0, calls: 20), look(2, 1, 0, 1, calls: 20),
            look(3, 0, 0, 2, calls: 1), look(10, 0, 0, 2), look(20, 0, 0, 2),
            look(33, 0, 1, 1, calls: 1), look(34, 1, 0, 1, calls: 3), look(35, 2, 0, 0, calls: 8),
        ])
        #expect(verdict.holds)
        #expect(actions.filter { $0 != .none } == [.breakPayment, .mendPayment])
        #expect(verdict.callsUntilOpen == 41 && verdict.callsToClose == 12)
        #expect(verdict.opened == 3 && verdict.halfOpened == 33 && verdict.closed == 35)
    }

    @Test func `a call through an open breaker does not hold`() {
        let (verdict, _) = walk([
            look(0, 2, 0, 0), look(3, 0, 0, 2), look(10, 0, 0, 2, calls: 1), look(33, 0, 2, 0),
            look(35, 2, 0, 0),
        ])
        #expect(!verdict.holds && verdict.callsWhileOpen == 1)
    }

    @Test func `breakers that never open, or never close, do not hold`() {
        #expect(!walk([look(0, 2, 0, 0), look(9, 1, 0, 1), look(90, 1, 0, 1)]).0.holds)
        #expect(!walk([look(0, 2, 0, 0), look(9, 0, 0, 2), look(90, 0, 0, 2)]).0.holds)
        #expect(!walk([look(0, 2, 0, 0), look(9, 0, 0, 2), look(10, 2, 0, 0)]).0.holds)
    }
}
