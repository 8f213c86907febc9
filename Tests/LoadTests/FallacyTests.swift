import HTTP
import Reactor
import Testing

@testable import Load

@Suite struct `The bill of a checkout` {
    private static let texts = [
        "gateway": """
        mesh_instance_tries_total{upstream="order",instance="a"} 10
        mesh_instance_tries_total{upstream="product",instance="b"} 99
        process_cpu_seconds_total 2
        """,
        "order": """
        mesh_instance_tries_total{upstream="product",instance="b"} 20
        mesh_instance_tries_total{upstream="payment",instance="c"} 10
        db_call_seconds_count 70
        process_cpu_seconds_total 3
        """,
        "provider": """
        http_requests_total{method="POST",route="/v1/payment_intents",status="200"} 10
        http_requests_total{method="GET",route="/v1/payment_intents",status="200"} 5
        db_call_seconds_count 1000
        """,
    ]

    private func bill(times: Int = 1) -> Bill {
        var bill = Bill()
        for _ in 0..<times {
            for (service, text) in Self.texts { bill.add(text, of: service) }
        }
        return bill
    }

    @Test func `adds up what each service does for it, and no more`() {
        let bill = bill()
        #expect(bill[.order] == 10 && bill[.product] == 20 && bill[.payment] == 10)
        #expect(bill[.provider] == 10 && bill[.database] == 70 && bill[.processor] == 5000)
    }

    @Test func `what runs without work is taken off, and nothing costs less than nothing`() {
        let idle = bill().perSecond(10)
        #expect(idle[.database] == 7)
        let each = (bill(times: 3) - bill()).each(of: 20, in: 10, idle: idle)
        #expect(each[.database] == 3.5 && each[.product] == 1)
        #expect(bill().each(of: 20, in: 100, idle: idle)[.database] == 0)
    }

    @Test func `together must cost less, but for the charge`() {
        func made(_ product: Double, _ database: Double, _ provider: Double = 1) -> Bill {
            var bill = Bill()
            bill.add("mesh_instance_tries_total{upstream=\"product\"} \(product)", of: "order")
            bill.add("db_call_seconds_count \(database)", of: "payment")
            bill.add("http_requests_total{method=\"POST\"} \(provider)", of: "provider")
            return bill
        }
        let alone = made(2, 7)
        #expect(Bill.isCheaper(together: made(1.9, 6), alone: alone))
        #expect(!Bill.isCheaper(together: made(2, 6), alone: alone))
        #expect(!Bill.isCheaper(together: made(1.9, 6.5), alone: alone))
        #expect(!Bill.isCheaper(together: made(1.9, 6, 0.5), alone: alone))
    }

    @Test
    func `a kept connection is two thirds of a resumed session, that four fifths of a new one`() {
        func tolls(_ anew: Int, _ resumed: Int, _ kept: Int) -> [Toll] {
            zip(Toll.Way.allCases, [anew, resumed, kept]).map { way, bytes in
                Toll(
                    way: way,
                    requests: 10,
                    count: Relay.Count(connections: 1, sent: bytes * 4, received: bytes * 6),
                    resumed: 0,
                    processor: 1
                )
            }
        }
        #expect(tolls(3000, 2400, 1600).map(\.bytesEach) == [3000, 2400, 1600])
        #expect(Toll.falls(tolls(3000, 2400, 1600)))
        #expect(!Toll.falls(tolls(3000, 2401, 1600)))
        #expect(!Toll.falls(tolls(3000, 2400, 1601)))
        #expect(!Toll.falls(Array(tolls(3000, 2400, 1600).dropLast())))
    }
}

@Suite struct `An instance that comes and goes` {
    private static let before = """
        mesh_instance_tries_total{upstream="product",instance="a"} 100
        mesh_instance_tries_total{upstream="product",instance="b"} 50
        mesh_instance_tries_total{upstream="payment",instance="c"} 9
        mesh_instance_out{upstream="product",instance="a"} 0
        """
    private static let after = """
        mesh_instance_tries_total{upstream="product",instance="a"} 110
        mesh_instance_tries_total{upstream="product",instance="b"} 5
        mesh_instance_out{upstream="product",instance="b"} 1
        mesh_instance_out{upstream="product",instance="a"} 0
        """

    @Test func `is asked as often as its callers say`() {
        let before = Standing(["one": Self.before, "two": Self.before], upstream: "product")
        let after = Standing(["one": Self.after, "two": Self.before], upstream: "product")
        // One of them began anew, so its five are five.
        #expect(after.tries(since: before) == 15)
        #expect(after.tries(since: before, at: "a") == 10)
        #expect(after.tries(since: before, at: "c") == 0)
        #expect(before.strangers(to: "b") == 0 && after.strangers(to: "b") == 1)
        #expect(after.strangers(to: "nobody") == 2)
    }

    private func walk(
        gone: (share: Double, strangers: Int) = (0, 4),
        back: [Double] = [0.1, 0.2, 0.5, 0.9, 1],
        outcomes: [String: Int] = ["201": 20],
        of callers: Int = 4,
        silentAtLast: Bool = false
    ) -> TopologyWalk {
        var walk = TopologyWalk(callers: callers)
        func take(_ phase: TopologyWalk.Phase, _ share: Double, _ strangers: Int = 0) {
            walk.take(
                TopologyWalk.Look(
                    phase: phase,
                    second: 1,
                    share: share,
                    strangers: strangers,
                    callers: 4,
                    outcomes: outcomes
                )
            )
        }
        take(.before, 1)
        take(.gone, 0.3, 2)
        take(.gone, gone.share, gone.strangers)
        if silentAtLast {
            walk.take(
                .init(phase: .gone, second: 2, share: 0, strangers: 0, callers: 0, outcomes: [:])
            )
        }
        take(.back, 0, 4)
        for share in back { take(.back, share) }
        take(.rolling, 1)
        return walk
    }

    @Test func `is left alone, comes back by and by, and fails nobody`() {
        #expect(walk().holds)
        #expect(walk(outcomes: ["201": 20, "202": 1]).holds)
        #expect(!walk(outcomes: ["201": 20, "503": 1]).holds)
        #expect(walk(outcomes: ["201": 20, "no answer": 2]).failures == 20)
        #expect(!walk(gone: (0, 3)).holds && !walk(gone: (0.06, 4)).holds)
        #expect(!walk(back: [1, 1, 1, 1]).holds)
        #expect(!walk(back: [0.1, 0.1, 0.1, 0.1]).holds)
        #expect(!TopologyWalk(callers: 4).holds)
    }

    @Test func `callers that say nothing leave nobody alone`() {
        #expect(!walk(of: 5).wasLeftAlone && !walk(of: 0).wasLeftAlone)
        #expect(walk(silentAtLast: true).wasLeftAlone)
        #expect(!walk(gone: (0, 3), silentAtLast: true).wasLeftAlone)
    }

    @Test func `what a silent caller said before is kept`() {
        var standing = Standing(["one": Self.before, "two": Self.after], upstream: "product")
        standing.take(Standing(["one": Self.before], upstream: "product"))
        #expect(standing.tries.count == 2 && standing.out["b"] == nil)
        let later = Standing(["one": Self.before, "two": Self.after], upstream: "product")
        #expect(later.tries(since: standing) == 0)
    }
}

@Suite struct `What administrators write` {
    @Test func `is a routes file, whatever version of it`() throws {
        for text in [
            AdministratorsRoutes.text(), AdministratorsRoutes.text(catalog: false),
            AdministratorsRoutes.text(auth: "requird"),
        ] {
            let value = try JSON.decode(JSONValue.self, from: Array(text.utf8))
            #expect(value["routes"]?.array?.count ?? 0 >= 7)
            #expect(value["upstreams"]?["order"]?["endpoints"] == "$UPSTREAM_ORDER")
        }
        #expect(AdministratorsRoutes.text().contains(#""path": "/products","#))
        #expect(!AdministratorsRoutes.text(catalog: false).contains(#""path": "/products","#))
    }

    @Test func `is told by the log, with its reason`() {
        let line: Substring =
            #"{"message":"refused","reason":"line 3: auth","listen":"127.0.0.1:7"}"#
        #expect(Office.field("reason", of: line, saying: "refused") == "line 3: auth")
        #expect(Office.field("reason", of: line, saying: "ref") == nil)
        #expect(Office.field("why", of: line, saying: "refused") == nil)
        #expect(Office.field("reason", of: "refused", saying: "refused") == nil)
    }

    @Test func `is told again when the last word of it is another one`() {
        var word = LastWord("read again")
        word.listen("a", ["1 read again", "2 read again", "3 other"])
        word.listen("b", [])
        #expect(!word.isOutdated(by: ["1 read again", "2 read again"], of: "a"))
        // The first has left what is read of the log, and another one has come.
        #expect(word.isOutdated(by: ["2 read again", "4 read again"], of: "a"))
        #expect(!word.isOutdated(by: ["3 other", "5 other"], of: "a"))
        #expect(!word.isOutdated(by: ["3 other"], of: "b"))
        #expect(word.isOutdated(by: ["1 read again"], of: "b"))
    }

    @Test func `a token names its key`() {
        // {"alg":"ES256","kid":"k1"}
        #expect(Office.key(of: "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0.e30.x") == "k1")
        #expect(Office.key(of: "e30.e30.x") == nil && Office.key(of: "") == nil)
    }

    @Test func `one more gateway is set up like the first, but for its place`() throws {
        let settings = StackPlatform.settings(
            """
            TLS_CA=/s/authority.pem
            GATEWAY_1_TLS_CERT=/s/gateway.1.pem
            ORDER_1_LISTEN=127.0.0.1:1
            ORDER_2_LISTEN=127.0.0.1:2
            PRODUCT_1_LISTEN=127.0.0.1:3
            EMPTY=
            """
        )
        let folder = try OwnFolder()
        defer { folder.remove() }
        let environment = StackPlatform.gatewayEnvironment(settings, folder)
        #expect(environment["UPSTREAM_ORDER"] == "127.0.0.1:1,127.0.0.1:2")
        #expect(environment["TLS_CA"] == "/s/authority.pem")
        #expect(environment["TLS_CERT"] == "/s/gateway.1.pem")
        #expect(environment["ROUTES"] == "\(folder.path)/routes.json")
        #expect(environment["LISTEN"] == "127.0.0.1:0")
        #expect(StackPlatform.port(in: #"{"message":"ready","listen":"127.0.0.1:814"}"#) == 814)
        #expect(
            StackPlatform.port(in: #"{"message":"ready for TLS","listen":"127.0.0.1:814"}"#) == nil
        )
        #expect(StackPlatform.port(in: "ready") == nil)
    }

    @Test func `a folder is there until it is taken away`() throws {
        let folder = try OwnFolder()
        try folder.write("one", to: "a")
        try folder.write("two", to: "a")
        #expect(folder.read("a") == "two" && folder.read("b") == "")
        folder.remove()
        #expect(folder.read("a") == "")
    }
}
