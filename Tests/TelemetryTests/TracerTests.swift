import Reactor
import Synchronization
import Testing

@testable import Telemetry

/// Spans as code makes them, on event loops.
@Suite struct TracerTests {
    /// Runs on the first of some loops, with a tracer for all of them.
    private func traced<Value: Sendable>(
        _ policy: TailPolicy = TailPolicy(slow: .seconds(60), share: 0),
        loops count: Int = 1,
        limits: Tracer.Limits = Tracer.Limits(),
        keep: @escaping @Sendable ([TraceSpan]) -> Void = { _ in },
        found: @escaping @Sendable (TraceID) -> Void = { _ in },
        _ body: @escaping @Sendable (Tracer, EventLoopGroup) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: count)
        defer { group.shutdown() }
        let tracer = Tracer(
            loops: group.loops,
            policy: policy,
            limits: limits,
            keep: keep,
            found: found
        )
        return try await Task(executorPreference: group.loops[0]) {
            try await body(tracer, group)
        }.value
    }

    @Test func `spans inside a request are its children, and all are found by the trace's id`()
        async throws
    {
        let (context, spans) = try await traced { tracer, _ in
            let request = tracer.begin(after: nil)
            TraceContext.$current.withValue(request.context) {
                let call = TraceContext.current?.begin()
                call?.context.begin()?.end(.words("GET", "order"), .client)
                call?.end(.words("call", "order"), .internal, failure: "no answer")
            }
            request.end(.words("GET", "/"), .server)
            let context = request.context
            return (
                context,
                await tracer.spans(traceHigh: context.traceHigh, traceLow: context.traceLow)
            )
        }
        let byName = Dictionary(spans.map { ($0.name.text, $0) }) { first, _ in first }
        #expect(byName.count == 3)
        let root = try #require(byName["GET /"])
        let call = try #require(byName["call order"])
        let attempt = try #require(byName["GET order"])
        #expect(root.parent == 0 && root.id == context.spanID && root.isLocalRoot)
        #expect(call.parent == root.id && attempt.parent == call.id)
        #expect(call.failure == "no answer" && root.failure == nil)
        #expect(root.end >= root.start)
    }

    @Test func `a caller's trace goes on, with its state, and its choice to keep it holds`()
        async throws
    {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let caller = try #require(TraceContext(traceparent: text, tracestate: "a=b,c=d"))
        let kept = Mutex<[TraceSpan]>([])
        try await traced(keep: { spans in kept.withLock { $0 += spans } }) { tracer, _ in
            let request = tracer.begin(after: caller)
            #expect(request.hasParent)
            #expect(request.context.state == "a=b,c=d")
            #expect(request.context.child().state == "a=b,c=d")
            request.context.begin()?.end(.words("inside", ""), .internal)
            request.end(.words("GET", "/"), .server)
        }
        let spans = kept.withLock { $0 }
        #expect(spans.count == 2)
        #expect(spans.allSatisfy { $0.traceHigh == 0x4bf9_2f35_77b3_4da6 })
        #expect(spans.last?.parent == 0x00f0_67aa_0ba9_02b7)
    }

    @Test(arguments: [String(repeating: "x", count: 513), "a=b\u{7}", "a=é", ""])
    func `a state that is too long or no plain text is left out`(_ state: String) throws {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
        let context = try #require(TraceContext(traceparent: text, tracestate: state))
        #expect(context.state == nil)
        #expect(TraceContext(traceparent: "00-zz", tracestate: "a=b") == nil)
    }

    @Test func `what went well is remembered for a while and handed to nobody`() async throws {
        let kept = Mutex(0)
        let (recent, errors) = try await traced(keep: { _ in kept.withLock { $0 += 1 } }) {
            tracer,
            _ in
            tracer.begin(after: nil).end(.words("well", ""), .server)
            tracer.begin(after: nil).end(.words("badly", ""), .server, failure: "500")
            return (
                await tracer.recent(limit: 10).map(\.name.text),
                await tracer.kept(for: .error, limit: 10).map(\.root.name.text)
            )
        }
        #expect(recent == ["badly", "well"])
        #expect(errors == ["badly"])
        #expect(kept.withLock { $0 } == 1)
    }

    @Test func `what follows in a trace that is kept is kept with it`() async throws {
        let kept = Mutex<[String]>([])
        try await traced(keep: { spans in kept.withLock { $0 += spans.map(\.name.text) } }) {
            tracer,
            _ in
            let request = tracer.begin(after: nil)
            let saga = request.context.beginApart()
            request.end(.words("request", ""), .server, failure: "503")
            saga?.end(.words("saga", ""), .internal)
        }
        #expect(kept.withLock { $0 } == ["request", "saga"])
    }

    @Test func `a storm of errors keeps no more than the second's budget, and counts the rest`()
        async throws
    {
        var policy = TailPolicy(slow: .seconds(60), share: 0)
        policy.keptPerSecond = 3
        let metrics = Metrics()
        let kept = Mutex(0)
        try await traced(policy, keep: { _ in kept.withLock { $0 += 1 } }) { tracer, _ in
            tracer.show(in: metrics)
            for _ in 0..<100 {
                tracer.begin(after: nil).end(.words("x", ""), .server, failure: "5")
            }
        }
        let number = kept.withLock { $0 }
        #expect((3...6).contains(number), "the second may turn once on the way")
        let text = metrics.render()
        #expect(text.contains("trace_spans_total 100\n"))
        #expect(text.contains("traces_kept_total \(number)\n"))
        #expect(text.contains("traces_lost_total{why=\"budget\"} \(100 - number)\n"))
    }

    @Test func `a part that went well is kept when another process asks for it`() async throws {
        let kept = Mutex<[String]>([])
        let found = Mutex<[TraceID]>([])
        try await traced(
            keep: { spans in kept.withLock { $0 += spans.map(\.name.text) } },
            found: { id in found.withLock { $0.append(id) } }
        ) { tracer, _ in
            let well = tracer.begin(after: nil)
            well.context.begin()?.end(.words("inside", ""), .internal)
            well.end(.words("well", ""), .server)
            let id = TraceID(high: well.context.traceHigh, low: well.context.traceLow)
            let stranger = TraceID(high: 1, low: 1)
            await tracer.keep([stranger, id])
            await tracer.keep([id])
            tracer.begin(after: nil).end(.words("badly", ""), .server, failure: "500")
            let asked = await tracer.kept(for: .asked, limit: 10)
            #expect(asked.map(\.root.name.text) == ["well"])
        }
        #expect(kept.withLock { $0 } == ["inside", "well", "badly"])
        #expect(
            found.withLock { $0.count } == 1,
            "only what was found here, not what was asked for"
        )
    }

    @Test func `every loop's spans are found, and those from outside of loops are counted`()
        async throws
    {
        let metrics = Metrics()
        let count = try await traced(loops: 3) { tracer, group in
            tracer.show(in: metrics)
            let context = tracer.begin(after: nil).context
            await withTaskGroup(of: Void.self) { tasks in
                for loop in group.loops {
                    tasks.addTask(executorPreference: loop) {
                        context.begin()?.end(.words("on a loop", ""), .internal)
                    }
                }
            }
            await Task.detached(executorPreference: globalConcurrentExecutor) {
                context.begin()?.end(.words("elsewhere", ""), .internal)
            }.value
            return await tracer.spans(traceHigh: context.traceHigh, traceLow: context.traceLow)
                .count
        }
        #expect(count == 3)
        #expect(metrics.render().contains("traces_lost_total{why=\"off-loop\"} 1\n"))
    }

    @Test func `nothing is recorded where nobody keeps spans`() {
        #expect(TraceContext.root().begin()?.context == nil)
        #expect(TraceContext.root().beginApart()?.context == nil)
    }
}
