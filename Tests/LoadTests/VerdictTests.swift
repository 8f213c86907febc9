import Glibc
import HTTP
import Reactor
import Testing

@testable import Load

@Suite struct `Chaos` {
    private func verdict(_ begun: Int, _ confirmed: Int) -> ChaosVerdict {
        ChaosVerdict(planned: 9, begun: begun, confirmed: confirmed)
    }

    @Test func `proves nothing without trouble, or without customers who were served`() {
        #expect(verdict(9, 100).holds && verdict(1, 1).holds)
        #expect(!verdict(0, 100).holds && !verdict(9, 0).holds)
    }

    @Test func `says what did not come about`() {
        #expect(verdict(9, 1).text == nil)
        #expect(verdict(7, 1).text == "7 of 9 troubles came about")
    }

    @Test func `has trouble however short it may be`() {
        let members = [Member(service: "order", name: "order.1")]
        let plans = (1...300 as ClosedRange<UInt64>).map { seed in
            ChaosPlan(
                seed: seed,
                seconds: Double(ChaosPlan.least),
                members: members,
                takesFaults: true
            )
        }
        #expect(plans.allSatisfy { !$0.troubles.isEmpty })
    }
}

@Suite struct `Saving bytes` {
    private var verdict: ThriftVerdict {
        ThriftVerdict(
            plain: .init(status: 200, received: 22_409),
            zipped: .init(status: 200, coding: "gzip", received: 4333),
            whole: .init(status: 200, received: 907),
            same: .init(status: 304, received: 302),
            refused: .init(status: 413, sent: 690, received: 267)
        )
    }

    @Test func `is judged by the same answer, told in full`() {
        #expect(verdict.holds)
        for spoil in [
            { (v: inout ThriftVerdict) in v.same.received = 454 },
            { $0.same = $0.whole }, { $0.zipped.received = 11_205 }, { $0.refused.sent = 4096 },
            { $0.refused.status = 401 },
        ] as [(inout ThriftVerdict) -> Void] {
            var verdict = verdict
            spoil(&verdict)
            #expect(!verdict.holds)
        }
    }

    @Test func `an error is short, which saves nothing`() {
        for spoil in [
            { (v: inout ThriftVerdict) in v.zipped.status = 503 },
            { $0.zipped.coding = nil }, { $0.plain.status = 503 }, { $0.whole.status = 404 },
        ] as [(inout ThriftVerdict) -> Void] {
            var verdict = verdict
            spoil(&verdict)
            #expect(!verdict.holds)
        }
    }

    @Test func `is told line by line`() {
        let lines = verdict.text.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(
            lines.dropFirst().first
                == "  the same with gzip                200     100 bytes sent,   4333 received"
        )
    }
}

@Suite struct `Slow clients` {
    private func verdict(
        _ milliseconds: Int,
        failed: Int = 0,
        read: Int = SlowClients.mostRead / 2,
        late: Int = SlowClients.senders,
        grown: Int = 1 << 20
    ) -> CrawlVerdict {
        var (well, crawling) = (Tally(), Tally())
        for _ in 0..<100 { well.record("201", .milliseconds(50)) }
        for number in 0..<200 {
            crawling.record(number < failed ? "503" : "201", .milliseconds(milliseconds))
        }
        return CrawlVerdict(
            well: well,
            crawling: crawling,
            readBytes: read,
            lateSenders: late,
            grownBytes: grown
        )
    }

    @Test func `harm nobody within what was said`() {
        #expect(verdict(199).holds)
        #expect(!verdict(202).holds)
        #expect(verdict(60, failed: 10).holds && !verdict(60, failed: 11).holds)
        #expect(!verdict(60, late: SlowClients.senders - 1).holds)
        #expect(!verdict(60, grown: 64 << 20).holds)
    }

    @Test func `who was given nothing was not slow`() {
        // One after the other for half a second, 2 KB a second each.
        #expect(SlowClients.mostRead > 900_000 && SlowClients.mostRead <= 486 * 2048)
        #expect(!verdict(60, read: SlowClients.mostRead / 2 - 1).holds)
    }
}

@Suite struct `A slow instance` {
    private func tally(_ count: Int, _ milliseconds: Int, failed: Int = 0) -> Tally {
        var tally = Tally()
        for number in 0..<count {
            tally.record(number < failed ? "503" : "201", .milliseconds(milliseconds))
        }
        return tally
    }

    private func verdict(
        well: Tally? = nil,
        _ milliseconds: Int,
        failed: Int = 0,
        held: Int = 3
    ) -> LatencyVerdict {
        LatencyVerdict(
            well: well ?? tally(100, 500),
            first: tally(10, 2500, failed: 9),
            last: tally(100, milliseconds, failed: failed),
            held: held
        )
    }

    @Test func `is compared with what was before, on a slow machine as well`() {
        #expect(verdict(1090).holds && !verdict(1110).holds)
        #expect(verdict(500, failed: 5).holds && !verdict(500, failed: 6).holds)
        #expect(!verdict(well: Tally(), 10).holds)
    }

    @Test func `that nobody asked was not gone around`() {
        #expect(!verdict(500, held: 0).holds)
        #expect(verdict(500, held: 0).text("product.3").hasSuffix("product.3 was never asked"))
        #expect(!verdict(500).text("product.3").contains("product.3"))
    }
}

@Suite struct `Who gives no answer` {
    @Test func `refuses an intruder only by ending the connection`() {
        for error in [.closedEarly(sent: true), .connect(.tls("no")), .connect(.closed)]
            as [ClientError]
        {
            #expect(Intruder.isRefusal(error))
        }
        for error in [
            .connect(.refused("x")), .connect(.timedOut), .timedOut(sent: true), .tooLarge,
            .connect(.system(call: "connect", errno: EHOSTUNREACH)), .identityMismatch("x"),
            .protocolError("x"),
        ] as [ClientError] {
            #expect(!Intruder.isRefusal(error))
        }
    }

    @Test func `is nobody only where nobody listens`() {
        #expect(Crowd.isNobody(SocketError.refused("[::1]:1")))
        #expect(Crowd.isNobody(SocketError.system(call: "connect", errno: EADDRNOTAVAIL)))
        for error in [.timedOut, .closed, .system(call: "connect", errno: ECONNRESET)]
            as [SocketError]
        {
            #expect(!Crowd.isNobody(error))
        }
        #expect(!Crowd.isNobody(Shop.Failed(description: "the answer was cut short")))
    }
}

@Suite struct `Who is counted` {
    @Test func `when the load ends, those who wait are waited for`() async throws {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(
            listener: listener,
            responder: Responder { (_: Request) throws(Problem) in
                try? await EventLoop.sleep(for: .milliseconds(300))
                return .json(["id": "a"], status: .created)
            }
        )
        let running = Task { try await server.run(on: loops) }
        let recorder = try await Task(executorPreference: loops.loops[0]) {
            var address = ShopAddress()
            address.port = listener.address.port
            let recorder = Recorder()
            let customer = Customer(
                shop: try await Shop(address),
                account: Account(id: "", token: "", email: "", password: ""),
                products: ["p"],
                maxLines: 1,
                history: nil,
                recorder: recorder
            )
            let traffic = Traffic(
                mix: Mix(.checkout),
                pattern: .arrivals(.constant(100, seconds: 600), poisson: false),
                customers: [customer],
                recorder: recorder
            )
            try await traffic.run(beside: { try await EventLoop.sleep(for: .milliseconds(200)) })
            return recorder
        }.value
        running.cancel()
        try await running.value
        #expect(recorder.inFlight == 0 && recorder.refused == 0)
        #expect(recorder.sum.requests > 0 && Set(recorder.sum.outcomes.keys) == ["201"])
        #expect(!recorder.begin(limit: 1))
    }

    @Test func `an answer counts where its question was begun`() {
        let recorder = Recorder()
        recorder.record(.checkout, "201", .zero)
        recorder.mark()
        recorder.record(.checkout, "201", .seconds(5))
        recorder.record(.checkout, "202", .zero)
        recorder.record(.browse, "200", .zero)
        #expect(recorder.sinceMark[.checkout]?.outcomes == ["202": 1])
        #expect(recorder.sinceMark[.browse]?.outcomes == ["200": 1])
        #expect(recorder.sum.outcomes == ["200": 1, "201": 2, "202": 1])
        recorder.mark()
        #expect(recorder.sinceMark.isEmpty)
    }

    @Test func `a cost is shared by all that were placed, when nearly all were confirmed at once`()
    {
        #expect(Bill.orders(["201": 480]) == 480)
        #expect(Bill.orders(["201": 95, "202": 4, "503": 1]) == 99)
        #expect(Bill.orders(["201": 94, "202": 6]) == nil && Bill.orders([:]) == nil)
    }
}
