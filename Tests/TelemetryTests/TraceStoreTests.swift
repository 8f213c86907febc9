import Reactor
import Testing

@testable import Telemetry

/// A span that lasted from one millisecond to another.
func span(
    _ id: UInt64,
    trace: UInt64 = 1,
    parent: UInt64 = 0,
    from start: UInt64 = 0,
    to end: UInt64 = 1,
    detail: SpanDetail = .none,
    failure: String? = nil,
    isSampled: Bool = false,
    isLocalRoot: Bool = false
) -> TraceSpan {
    TraceSpan(
        traceHigh: 0,
        traceLow: trace,
        id: id,
        parent: parent,
        start: Deadline(nanoseconds: start * 1_000_000),
        end: Deadline(nanoseconds: end * 1_000_000),
        name: .words("span", "\(id)"),
        kind: .internal,
        detail: detail,
        failure: failure,
        isSampled: isSampled,
        isLocalRoot: isLocalRoot
    )
}

/// What decides which spans stay: pure values.
@Suite struct TraceStoreTests {
    @Test func `a ring holds the last spans and no more`() {
        var ring = SpanRing(capacity: 3)
        for id in 1...5 { ring.append(span(UInt64(id))) }
        #expect(ring.count == 3)
        let last = ring.take(0, 1)
        #expect(last.map(\.id) == [3, 4, 5])
    }

    @Test func `what was taken once is not taken again, and new spans are`() {
        var ring = SpanRing(capacity: 4)
        ring.append(span(1))
        ring.append(span(2, trace: 2))
        let first = ring.take(0, 1)
        #expect(first.map(\.id) == [1])
        ring.append(span(3))
        let second = ring.take(0, 1)
        #expect(second.map(\.id) == [3])
        #expect(ring.unkept { _ in true }.map(\.id) == [2])
        // The place of a span that was taken serves a new one.
        for id in 4...7 { ring.append(span(UInt64(id))) }
        let third = ring.take(0, 1)
        #expect(third.map(\.id) == [4, 5, 6, 7])
    }

    @Test func `the oldest trace goes when there are too many`() {
        var kept = KeptTraces(traces: 2, spans: 100)
        for trace in 1...3 {
            let root = span(UInt64(trace), trace: UInt64(trace))
            let taken = kept.add([root], of: root, .error)
            #expect(taken.count == 1)
        }
        #expect(kept.all.map(\.root.traceLow) == [3, 2])
        #expect(kept.evicted == 1)
        #expect(!kept.holds(span(9, trace: 1)) && kept.holds(span(9, trace: 3)))
    }

    @Test func `spans are bounded in all and for each trace`() {
        var kept = KeptTraces(traces: 10, spans: 600)
        let many = (0..<700).map { span(UInt64($0 + 1), trace: 1) }
        let long = kept.add(many, of: many[0], .slow)
        #expect(long.count == KeptTraces.spansPerTrace)
        #expect(kept.cut == 200)
        let more = kept.add([span(1)], of: many[0], .slow)
        #expect(more.isEmpty, "the trace is full")
        let others = (0..<200).map { span(UInt64($0 + 1), trace: 2) }
        _ = kept.add(others, of: others[0], .slow)
        #expect(kept.all.map(\.root.traceLow) == [2], "the first had to make room")
        #expect(kept.spans(0, 2).count == 200)
    }

    @Test func `errors, slow requests and chosen ones are kept, the rest is not`() {
        var policy = TailPolicy(slow: .milliseconds(100), share: 0)
        policy.patientRoutes = ["/events"]
        func request(_ route: String) -> SpanDetail {
            .request(method: "GET", route: route, status: 200)
        }
        #expect(policy.reason(for: span(1, to: 99)) == nil)
        #expect(policy.reason(for: span(1, to: 100)) == .slow)
        #expect(policy.reason(for: span(1, to: 200, detail: request("/orders"))) == .slow)
        #expect(policy.reason(for: span(1, to: 200, detail: request("/events"))) == nil)
        #expect(policy.reason(for: span(1, to: 1, failure: "503")) == .error)
        #expect(policy.reason(for: span(1, to: 500, failure: "503")) == .error)
        #expect(policy.reason(for: span(1, to: 1, isSampled: true)) == .sampled)
    }

    @Test func `the share of chosen traces is what was asked for`() {
        let policy = TailPolicy(share: 0.1)
        var generator = SystemRandomNumberGenerator()
        let chosen = (0..<20_000).count { _ in policy.samples(generator.next()) }
        #expect((1_500...2_500).contains(chosen))
        #expect((0..<100).allSatisfy { _ in TailPolicy(share: 1).samples(generator.next()) })
        #expect(TailPolicy(share: 1).samples(.max))
        #expect(!TailPolicy(share: 0).samples(0))
    }

    @Test func `a second has so many keeps and no more`() {
        var budget = KeepBudget(perSecond: 2)
        let now = Deadline(nanoseconds: 5_000_000_000)
        let one = budget.take(at: now)
        #expect(one)
        let two = budget.take(at: now)
        #expect(two)
        let third = budget.take(at: now)
        #expect(!third)
        let nextSecond = budget.take(at: Deadline(nanoseconds: 6_000_000_000))
        #expect(nextSecond)
    }

    @Test func `names of statements are their types'`() {
        struct FindOrder {}
        struct EndOrder {}
        #expect(SpanName.statement(FindOrder.self).text == "FindOrder")
        let types: [Any.Type] = [FindOrder.self, EndOrder.self]
        #expect(SpanName.statements(types).text == "FindOrder + EndOrder")
        #expect(
            SpanName.statements(types + types).text == "FindOrder + EndOrder + FindOrder + 1 more"
        )
    }
}
