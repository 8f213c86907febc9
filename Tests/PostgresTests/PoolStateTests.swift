import Reactor
import Testing

@testable import Postgres

@Suite struct PoolStateTests {
    private typealias State = PoolState<String>

    private func pool(_ connections: Int, inFlight: Int = 128, queued: Int = 4) -> State {
        State(
            limits: .init(connections: connections, inFlight: inFlight, queued: queued, growAt: 2)
        )
    }

    /// Asks for one connection, which opens as number 1.
    private func opened(_ state: inout State) {
        #expect(state.request(.shared) == .wait)
        state.enqueue("first", .shared, until: .never)
        #expect(state.startOpening() == 1)
        #expect(state.startOpening() == nil)
        state.opened(1)
        #expect(state.nextGrant()?.1 == 1)
        state.finished(1)
    }

    @Test func `nothing opens before the first caller, then one`() {
        var state = pool(4)
        #expect(state.startOpening() == nil)
        opened(&state)
        #expect(state.request(.shared) == .grant(1))
        #expect(state.startOpening() == nil)
    }

    @Test func `a busy pipeline grows the pool, and callers take the least busy`() {
        var state = pool(4)
        opened(&state)
        #expect(state.request(.shared) == .grant(1))
        #expect(state.startOpening() == nil)
        #expect(state.request(.shared) == .grant(1))
        #expect(state.startOpening() == 2)
        #expect(state.startOpening() == nil)
        state.opened(2)
        #expect(state.request(.shared) == .grant(2))
        #expect(state.startOpening() == nil)
    }

    @Test func `the last connection is never leased`() {
        var state = pool(2)
        opened(&state)
        #expect(state.request(.lease) == .grant(1))
        #expect(state.startOpening() == 2)
        state.opened(2)
        #expect(state.request(.lease) == .wait)
        state.enqueue("tx", .lease, until: .never)
        #expect(state.nextGrant() == nil)
        #expect(state.request(.shared) == .grant(2))
        state.released(1, isIdle: true)
        #expect(state.nextGrant()?.0 == "tx")
    }

    @Test func `a lease waits for an empty pipeline and is not starved`() {
        var state = pool(2)
        opened(&state)
        for _ in 0..<2 { #expect(state.request(.shared) == .grant(1)) }
        #expect(state.startOpening() == 2)
        state.opened(2)
        #expect(state.request(.shared) == .grant(2))
        #expect(state.request(.lease) == .wait)
        state.enqueue("tx", .lease, until: .never)
        // Connection 2 is kept free of new statements until its pipeline has run empty.
        for _ in 0..<5 { #expect(state.request(.shared) == .grant(1)) }
        state.finished(2)
        #expect(state.nextGrant()?.1 == 2)
    }

    @Test func `a released connection with results on the way is not handed out`() {
        var state = pool(2)
        opened(&state)
        #expect(state.request(.lease) == .grant(1))
        #expect(state.startOpening() == 2)
        state.released(1, isIdle: false)
        #expect(state.request(.shared) == .wait)
        state.enqueue("next", .shared, until: .never)
        #expect(state.nextGrant() == nil)
        state.released(1, isIdle: true)
        #expect(state.nextGrant()?.1 == 1)
    }

    @Test func `a full queue refuses, and so does a full pipeline behind it`() {
        var state = pool(2, inFlight: 1, queued: 2)
        opened(&state)
        #expect(state.request(.shared) == .grant(1))
        for name in ["a", "b"] {
            #expect(state.request(.shared) == .wait)
            state.enqueue(name, .shared, until: .never)
        }
        #expect(state.request(.shared) == .refuse(.overloaded))
        state.finished(1)
        #expect(state.nextGrant()?.0 == "a")
        #expect(state.nextGrant() == nil)
    }

    @Test func `while no connection can be had callers are refused at once`() {
        var state = pool(2)
        #expect(state.request(.shared) == .wait)
        state.enqueue("a", .shared, until: .never)
        #expect(state.startOpening() == 1)
        #expect(state.openFailed(1, "down") == ["a"])
        #expect(state.request(.shared) == .refuse(.unavailable("down")))
        #expect(state.startOpening() == nil)
        state.retry()
        // The pool keeps trying by itself, and refuses until an attempt succeeds.
        #expect(state.startOpening() == 2)
        #expect(state.request(.shared) == .refuse(.unavailable("down")))
        state.opened(2)
        #expect(state.request(.shared) == .grant(2))
    }

    @Test func `failing to grow does not refuse those whom the others serve`() {
        var state = pool(2)
        opened(&state)
        for _ in 0..<2 { #expect(state.request(.shared) == .grant(1)) }
        #expect(state.startOpening() == 2)
        #expect(state.openFailed(2, "too many connections") == [])
        #expect(state.request(.shared) == .grant(1))
        #expect(state.startOpening() == nil)
    }

    @Test func `whoever waits can give up or run out of time`() {
        var state = pool(2)
        #expect(state.request(.shared) == .wait)
        let ticket = state.nextTicket
        state.enqueue("a", .shared, until: Deadline(nanoseconds: 5))
        state.enqueue("b", .lease, until: Deadline(nanoseconds: 9))
        #expect(state.earliestDeadline == Deadline(nanoseconds: 5))
        #expect(state.abandon(ticket) == "a")
        #expect(state.abandon(ticket) == nil)
        #expect(state.expire(at: Deadline(nanoseconds: 9)) == ["b"])
        #expect(state.waitedTooLong == .unavailable("connecting took too long"))
    }

    @Test func `retired connections get no work and surplus ones go, but not the last`() {
        var state = pool(3)
        opened(&state)
        for _ in 0..<2 { _ = state.request(.shared) }
        #expect(state.startOpening() == 2)
        state.opened(2)
        for _ in 0..<2 { state.finished(1) }
        #expect(state.surplus() == [])
        #expect(state.surplus().count == 1)
        #expect(state.surplus() == [])
        let left = state.slots.first { $0.use == .shared }?.id
        #expect(state.request(.shared) == left.map { .grant($0) })
        state.retire(left ?? 0)
        #expect(state.request(.shared) == .wait)
        #expect(state.startOpening() == 3)
    }

    @Test func `backoff doubles to its limit with a random half`() {
        var random = SplitMix(state: 1)
        var backoff = Backoff(first: .milliseconds(50), limit: .seconds(1))
        var longest = Duration.milliseconds(50)
        for _ in 0..<40 {
            let wait = backoff.next(using: &random)
            #expect(wait >= longest / 2)
            #expect(wait <= longest)
            longest = min(longest * 2, .seconds(1))
        }
        backoff.reset()
        #expect(backoff.next(using: &random) <= .milliseconds(50))
    }
}
