import Testing

@testable import Mesh

@Suite struct RetryBudgetTests {
    @Test func `a fresh budget holds only its minimum`() {
        var budget = RetryBudget()
        for _ in 0..<10 { #expect(budget.take(at: .zero) == true) }
        #expect(budget.take(at: .zero) == false)
    }

    @Test func `a hundred calls allow twenty more`() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.call(at: .zero) }
        var taken = 0
        while budget.take(at: .zero) { taken += 1 }
        #expect(taken == 20)
    }

    @Test func `of few calls ten may be tried again, of many a fifth`() {
        var few = RetryBudget()
        for _ in 0..<50 { few.call(at: .zero) }
        for _ in 0..<10 { #expect(few.take(at: .zero) == true) }
        #expect(few.take(at: .zero) == false)
    }

    @Test func `a refused retry is not counted`() {
        var budget = RetryBudget()
        for _ in 0..<50 { budget.call(at: .zero) }
        while budget.take(at: .zero) {}
        for _ in 0..<1000 { #expect(budget.take(at: .zero) == false) }
        for _ in 0..<5 { budget.call(at: .zero) }
        #expect(budget.take(at: .zero) == true)
        #expect(budget.take(at: .zero) == false)
    }

    @Test func `calls and retries leave with the window`() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.call(at: .zero) }
        while budget.take(at: .seconds(5)) {}
        #expect(budget.take(at: .seconds(8)) == false)
        var later = 0
        while budget.take(at: .seconds(11)) { later += 1 }
        #expect(later == 0, "the calls left first; the retries still count")
        while budget.take(at: .seconds(16)) { later += 1 }
        #expect(later == 10)
    }

    @Test func `steady failure adds a fifth of the load`() {
        var budget = RetryBudget()
        var retries = 0
        var now = Duration.zero
        for _ in 0..<10_000 {
            now += .milliseconds(10)
            budget.call(at: now)
            for _ in 0..<3 where budget.take(at: now) { retries += 1 }
        }
        #expect((1900...2010).contains(retries), "20% of 10,000 and the minimum: \(retries)")
    }
}

@Suite struct BackoffTests {
    @Test func `delays double and are spread from zero`() {
        var generator = SplitMix(seed: 1)
        let backoff = Backoff()
        for (retry, ceiling) in [25, 50, 100, 200, 400, 800, 1000, 1000].enumerated() {
            let delays = (0..<500).map { _ in backoff.delay(retry: retry, using: &generator) }
            let limit = Duration.milliseconds(ceiling)
            #expect(delays.allSatisfy { $0 >= .zero && $0 <= limit })
            #expect(delays.contains { $0 < limit / 10 })
            #expect(delays.contains { $0 > limit / 10 * 9 })
        }
    }

    @Test func `a huge retry number stays at the cap`() {
        var generator = SplitMix(seed: 2)
        #expect(Backoff().delay(retry: .max, using: &generator) <= .seconds(1))
        #expect(Backoff().delay(retry: -1, using: &generator) <= .milliseconds(25))
    }
}

@Suite struct SlidingCountsTests {
    @Test(arguments: 1...10) func `counts agree with a list of events`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var counts = SlidingCounts(window: .seconds(10))
        var events: [Duration] = []
        var now = Duration.seconds(5)
        for _ in 0..<1000 {
            now += .milliseconds(Int.random(in: 0...100, using: &generator))
            if Int.random(in: 0..<200, using: &generator) == 0 { now += .seconds(25) }
            counts.add(first: 1, second: 2, at: now)
            events.append(now)
            events.removeAll { now - $0 > .seconds(11) }
            let certain = events.count { now - $0 < .seconds(9) }
            let possible = events.count { now - $0 <= .seconds(10) }
            #expect((certain...possible).contains(counts.first))
            #expect(counts.second == counts.first * 2)
        }
    }

    @Test func `a clock that stands still loses nothing`() {
        var counts = SlidingCounts(window: .seconds(10))
        for _ in 0..<50 { counts.add(first: 1, at: .seconds(1)) }
        #expect(counts.first == 50)
        counts.advance(to: .seconds(11))
        #expect(counts.first == 0)
    }
}
