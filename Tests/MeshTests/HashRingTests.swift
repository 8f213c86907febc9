import Testing

@testable import Mesh

@Suite struct HashRingTests {
    private let keys = (0..<3000).map { "/products/\($0)" }

    private func names(_ count: Int) -> [String] { (0..<count).map { "10.0.0.\($0):8443" } }

    private func idle(_ count: Int) -> [Balancer.Candidate] {
        (0..<count).map { _ in .init(inFlight: 0) }
    }

    private func owners(_ names: [String]) -> [String?] {
        let ring = HashRing(names)
        return keys.map { key in ring.choose(key, among: idle(names.count)).map { names[$0] } }
    }

    @Test func `a key always goes to the same instance, in whatever order they are named`() {
        let names = names(5)
        #expect(owners(names) == owners(names))
        #expect(owners(names) == owners(names.reversed()))
    }

    @Test func `instances get about equal shares`() {
        let counts = Dictionary(owners(names(5)).map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.count == 5)
        for count in counts.values { #expect((400...800).contains(count)) }
    }

    @Test func `one that leaves loses its own keys, and nobody else's moves`() {
        let before = owners(names(5))
        let after = owners(names(4))
        for (old, new) in zip(before, after) where old != "10.0.0.4:8443" { #expect(old == new) }
    }

    @Test func `one that is out or was tried is passed over, to the same next one each time`() {
        let ring = HashRing(names(4))
        for key in keys.prefix(200) {
            var candidates = idle(4)
            guard let first = ring.choose(key, among: candidates) else {
                Issue.record("no owner")
                return
            }
            candidates[first] = .init(inFlight: 0, isOut: true)
            let second = ring.choose(key, among: candidates)
            #expect(second != first)
            candidates[first] = .init(inFlight: 0, isExcluded: true)
            #expect(ring.choose(key, among: candidates) == second)
        }
    }

    @Test func `nobody left is no choice, and in a panic all are used`() {
        let ring = HashRing(names(2))
        let tried = [Balancer.Candidate](repeating: .init(inFlight: 0, isExcluded: true), count: 2)
        #expect(ring.choose("/x", among: tried) == nil)
        #expect(HashRing([]).choose("/x", among: []) == nil)
        let out = [Balancer.Candidate](repeating: .init(inFlight: 0, isOut: true), count: 2)
        #expect(ring.choose("/x", among: out) == ring.choose("/x", among: idle(2)))
    }

    @Test func `a favourite key never gets an instance more than a quarter over the average`() {
        let ring = HashRing(names(4))
        var inFlight = [Int](repeating: 0, count: 4)
        for call in 1...400 {
            let candidates = inFlight.map { Balancer.Candidate(inFlight: $0) }
            guard let index = ring.choose("/products/favourite", among: candidates) else {
                Issue.record("no instance for call \(call)")
                return
            }
            inFlight[index] += 1
            let most = (1.25 * Double(call) / 4).rounded(.up)
            #expect(inFlight.allSatisfy { Double($0) <= most }, "\(inFlight)")
        }
        #expect(inFlight.contains(125), "its own instance takes as much as it may: \(inFlight)")
    }

    @Test func `one that warms up gets a growing part of its own keys, each for good`() {
        let ring = HashRing(names(3))
        let own = keys.filter { ring.choose($0, among: idle(3)) == 1 }
        func kept(_ weight: Double) -> Set<String> {
            var candidates = idle(3)
            candidates[1] = .init(inFlight: 0, weight: weight)
            return Set(own.filter { ring.choose($0, among: candidates) == 1 })
        }
        let (some, more) = (kept(0.2), kept(0.7))
        #expect((own.count / 10...own.count * 3 / 10).contains(some.count))
        #expect((own.count * 6 / 10...own.count * 8 / 10).contains(more.count))
        #expect(some.isSubset(of: more))
    }
}

@Suite struct SlowStartTests {
    @Test func `the share grows from a tenth to all in ten seconds`() {
        let slow = SlowStart()
        #expect(slow.weight(after: .zero) == 0.1)
        #expect(slow.weight(after: .milliseconds(500)) == 0.1)
        #expect(slow.weight(after: .seconds(5)) == 0.5)
        #expect(slow.weight(after: .seconds(10)) == 1)
    }

    @Test func `a window of zero is no slow start`() {
        var slow = SlowStart()
        slow.window = .zero
        #expect(slow.weight(after: .zero) == 1)
    }

    @Test func `of a pair one that warms up gets its share, however idle it is`() {
        var generator = SplitMix(seed: 5)
        let pair: [Balancer.Candidate] = [
            .init(inFlight: 0, weight: 0.2), .init(inFlight: 9),
        ]
        let calls = (0..<5000).count { _ in Balancer.choose(pair, using: &generator) == 0 }
        #expect((800...1200).contains(calls), "a fifth: \(calls)")
    }

    @Test func `when all warm up alike none holds back`() {
        var generator = SplitMix(seed: 6)
        let all = [Balancer.Candidate](repeating: .init(inFlight: 0, weight: 0.1), count: 2)
        let calls = (0..<4000).count { _ in Balancer.choose(all, using: &generator) == 0 }
        #expect((1800...2200).contains(calls))
    }
}
