import Reactor
import Testing

@testable import Postgres

@Suite struct GatheringTests {
    private static func at(_ milliseconds: Int) -> Deadline {
        Deadline(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }

    @Test func `a lone one goes at once, who comes close behind goes with the next`() {
        var state = GatheringState(interval: .milliseconds(8))
        let departures = [100, 102, 107, 108, 109, 150, 158, 159].map { time in
            state.departure(at: Self.at(time))
        }
        #expect(departures == [100, 108, 108, 108, 116, 150, 158, 166].map(Self.at))
    }

    @Test func `nobody waits longer than the interval, and departures are that far apart`() {
        var random = SystemRandomNumberGenerator()
        var state = GatheringState(interval: .milliseconds(8))
        var (now, last) = (1000, Self.at(0))
        for _ in 0..<10_000 {
            now += Int.random(in: 0...12, using: &random)
            let departure = state.departure(at: Self.at(now))
            #expect(departure >= Self.at(now) && departure <= Self.at(now + 8))
            #expect(departure == last || departure >= last.advanced(by: .milliseconds(8)))
            last = departure
        }
    }
}
