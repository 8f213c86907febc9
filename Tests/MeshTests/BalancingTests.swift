import Testing

@testable import Mesh

@Suite struct InstanceHealthTests {
    @Test func `three failed probes in a row put it out, one good one brings it back`() {
        var health = InstanceHealth()
        #expect(health.note(.probeFailed) == false)
        #expect(health.note(.probeFailed) == false)
        #expect(!health.isOut)
        #expect(health.note(.probeFailed) == true)
        #expect(health.isOut)
        #expect(health.note(.probeFailed) == false, "out already")
        #expect(health.note(.probeSucceeded) == true)
        #expect(!health.isOut)
        #expect(health == InstanceHealth())
    }

    @Test func `a good probe in between starts the count again`() {
        var health = InstanceHealth()
        for _ in 0..<5 {
            health.note(.probeFailed)
            health.note(.probeFailed)
            health.note(.probeSucceeded)
        }
        #expect(!health.isOut)
    }

    @Test func `answers to calls do not hide failing probes`() {
        var health = InstanceHealth()
        for _ in 0..<3 {
            health.note(.answered)
            health.note(.probeFailed)
        }
        #expect(health.isOut)
    }

    @Test func `a refused connection puts it out at once, an answer brings it back`() {
        var health = InstanceHealth()
        #expect(health.note(.connectFailed) == true)
        #expect(health.isOut)
        #expect(health.note(.connectFailed) == false)
        #expect(health.note(.answered) == true)
        #expect(!health.isOut)
    }

    @Test func `whom probes put out, an answer does not bring back`() {
        var health = InstanceHealth()
        for _ in 0..<3 { health.note(.probeFailed) }
        #expect(health.note(.answered) == false)
        #expect(health.isOut)
    }

    @Test func `what is out is probed more often`() {
        var health = InstanceHealth()
        #expect(health.probeInterval == .seconds(10))
        health.note(.connectFailed)
        #expect(health.probeInterval == .seconds(1))
    }

    @Test func `the numbers are configuration`() {
        var policy = InstanceHealth.Policy()
        policy.failuresToEject = 1
        policy.connectFailuresToEject = 2
        policy.successesToReturn = 2
        var health = InstanceHealth(policy: policy)
        health.note(.connectFailed)
        health.note(.answered)
        health.note(.connectFailed)
        #expect(!health.isOut, "not in a row")
        #expect(health.note(.probeFailed) == true)
        #expect(health.note(.probeSucceeded) == false)
        #expect(health.note(.probeFailed) == false)
        #expect(
            health.note(.probeSucceeded) == false,
            "a failure in between starts the count again"
        )
        #expect(health.note(.probeSucceeded) == true)
    }
}

@Suite struct BalancerTests {
    private func spread(
        _ candidates: [Balancer.Candidate],
        picks: Int = 6000
    ) -> [Int: Int] {
        var generator = SplitMix(seed: 7)
        var counts: [Int: Int] = [:]
        for _ in 0..<picks {
            if let index = Balancer.choose(candidates, using: &generator) {
                counts[index, default: 0] += 1
            }
        }
        return counts
    }

    @Test func `nothing to choose from is no choice`() {
        #expect(spread([]).isEmpty)
        #expect(spread([.init(inFlight: 0, isExcluded: true)]).isEmpty)
    }

    @Test func `equal instances get equal shares`() {
        let counts = spread((0..<3).map { _ in .init(inFlight: 4) })
        for index in 0..<3 { #expect((1800...2200).contains(counts[index] ?? 0)) }
    }

    @Test func `the busiest of three is never chosen, each pair being compared`() {
        let counts = spread([.init(inFlight: 9), .init(inFlight: 1), .init(inFlight: 5)])
        #expect(counts[0] == nil)
        #expect((3700...4300).contains(counts[1] ?? 0), "in two of three pairs")
        #expect((1700...2300).contains(counts[2] ?? 0), "in one of three pairs")
    }

    @Test func `instances that are out or were tried get nothing`() {
        let counts = spread([
            .init(inFlight: 9), .init(inFlight: 0, isOut: true),
            .init(inFlight: 0, isExcluded: true), .init(inFlight: 9),
        ])
        #expect(Set(counts.keys) == [0, 3])
    }

    @Test func `half out is no panic, more than half is`() {
        let half: [Balancer.Candidate] = [
            .init(inFlight: 0), .init(inFlight: 0), .init(inFlight: 0, isOut: true),
            .init(inFlight: 0, isOut: true),
        ]
        #expect(!Balancer.isPanic(half))
        #expect(Set(spread(half).keys) == [0, 1])
        let most = half.dropFirst() + [.init(inFlight: 0, isOut: true)]
        #expect(Balancer.isPanic(Array(most)))
        #expect(Set(spread(Array(most)).keys) == [0, 1, 2, 3])
    }

    @Test func `a single instance is used even when it is out`() {
        #expect(spread([.init(inFlight: 3, isOut: true)]) == [0: 6000])
    }

    @Test func `in a panic the instances tried stay excluded`() {
        let counts = spread([
            .init(inFlight: 0, isOut: true, isExcluded: true), .init(inFlight: 9, isOut: true),
        ])
        #expect(Set(counts.keys) == [1])
    }
}

@Suite struct BulkheadTests {
    @Test func `calls enter up to the limit, then wait, then are refused`() {
        var bulkhead = Bulkhead(limit: 2, queueLimit: 2)
        #expect(bulkhead.enter() == .enter)
        #expect(bulkhead.enter() == .enter)
        #expect(bulkhead.enter() == .wait(1))
        #expect(bulkhead.enter() == .wait(2))
        #expect(bulkhead.enter() == .refuse)
        #expect(bulkhead.inFlight == 2)
        #expect(bulkhead.waiting == 2)
    }

    @Test func `a place goes to whoever waited longest and stays taken`() {
        var bulkhead = Bulkhead(limit: 1, queueLimit: 2)
        #expect(bulkhead.enter() == .enter)
        #expect(bulkhead.enter() == .wait(1))
        #expect(bulkhead.enter() == .wait(2))
        #expect(bulkhead.leave() == 1)
        #expect(bulkhead.inFlight == 1)
        #expect(bulkhead.leave() == 2)
        #expect(bulkhead.leave() == nil)
        #expect(bulkhead.inFlight == 0)
        #expect(bulkhead.enter() == .enter)
    }

    @Test func `who gives up waiting makes room; who was just admitted has to leave`() {
        var bulkhead = Bulkhead(limit: 1, queueLimit: 1)
        #expect(bulkhead.enter() == .enter)
        #expect(bulkhead.enter() == .wait(1))
        #expect(bulkhead.abandon(1) == true)
        #expect(bulkhead.abandon(1) == false)
        #expect(bulkhead.enter() == .wait(2))
        #expect(bulkhead.leave() == 2)
        #expect(bulkhead.abandon(2) == false)
        #expect(bulkhead.leave() == nil)
        #expect(bulkhead.inFlight == 0)
    }

    @Test func `no queue means refusal at once`() {
        var bulkhead = Bulkhead(limit: 1, queueLimit: 0)
        #expect(bulkhead.enter() == .enter)
        #expect(bulkhead.enter() == .refuse)
    }

    @Test(arguments: 1...10) func `random use never loses or invents a place`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var bulkhead = Bulkhead(limit: 3, queueLimit: 4)
        var holders = 0
        var queue: [Bulkhead.Ticket] = []
        for _ in 0..<5000 {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                switch bulkhead.enter() {
                case .enter: holders += 1
                case .wait(let ticket): queue.append(ticket)
                case .refuse: #expect(queue.count == 4)
                }
            case 2 where holders > 0:
                let next = bulkhead.leave()
                #expect(next == queue.first)
                if next == nil { holders -= 1 } else { queue.removeFirst() }
            default:
                guard let ticket = queue.randomElement(using: &generator) else { continue }
                #expect(bulkhead.abandon(ticket) == true)
                queue.removeAll { $0 == ticket }
            }
            #expect(bulkhead.inFlight == holders && holders <= 3)
            #expect(bulkhead.waiting == queue.count && queue.count <= 4)
            #expect(queue.isEmpty || holders == 3, "nobody waits while there is a place")
        }
    }
}

@Suite struct EndpointsTests {
    @Test func `a list of hosts and ports is read in order, each once`() throws {
        let endpoints = try Endpoints(" order-1:8443, 10.0.0.2:1,[::1]:65535 ,order-1:8443,")
        #expect(endpoints.all.map(\.description) == ["order-1:8443", "10.0.0.2:1", "[::1]:65535"])
        #expect(endpoints.all[2].host == "::1")
    }

    @Test(arguments: [
        ("", Endpoints.Invalid.empty), (" , ", .empty), ("order", .notHostAndPort("order")),
        (":80", .notHostAndPort(":80")), ("::1:80", .notHostAndPort("::1:80")),
        ("a b:80", .notHostAndPort("a b:80")), ("http://a:80", .notHostAndPort("http://a:80")),
        ("a:0", .port("a:0")), ("a:65536", .port("a:65536")), ("a:", .port("a:")),
        ("a:+1", .port("a:+1")), ("a:1,b:x", .port("b:x")),
    ])
    func `anything else is refused by name`(_ text: String, _ expected: Endpoints.Invalid) {
        #expect(throws: expected) { try Endpoints(text) }
    }
}
