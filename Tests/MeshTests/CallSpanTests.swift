import HTTP
import Mesh
import Reactor
import Synchronization
import Testing

@testable import Telemetry

/// What a call to another service leaves in the trace of whoever made it.
@Suite struct CallSpanTests {
    /// Makes one call inside a request and gives the spans that it left, oldest first.
    private func spans(
        of addresses: [SocketAddress],
        state: String? = nil
    ) async throws -> [TraceSpan] {
        try await onLoop {
            let tracer = Tracer(loops: [.required])
            let caller = TraceContext(
                traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                tracestate: state
            )
            let request = tracer.begin(after: caller)
            let context = request.context
            let service = try upstream(addresses)
            await TraceContext.$current.withValue(context) {
                _ = await service.attempt(
                    ClientRequest(.get, "/orders/17?x=1"),
                    CallOptions(isIdempotent: true)
                )
            }
            return await tracer.spans(traceHigh: context.traceHigh, traceLow: context.traceLow)
                .sorted { $0.start < $1.start }
        }
    }

    @Test func `a call is a span, and each of its tries a span below it`() async throws {
        let bad = try Backend { _ throws(Problem) in .empty(.serviceUnavailable) }
        let good = try Backend { _ throws(Problem) in .text("ok") }
        var seen: [TraceSpan] = []
        for _ in 0..<20 where seen.count < 3 {
            seen = try await spans(of: [bad.address, good.address], state: "a=b")
        }
        try #require(seen.count == 3, "one of the calls begins at the bad instance")
        let (call, first, second) = (seen[0], seen[1], seen[2])
        #expect(call.name.text == "call order" && call.kind == .internal && call.failure == nil)
        #expect(first.parent == call.id && second.parent == call.id)
        #expect(first.name.text == "GET order" && first.kind == .client)
        #expect(first.failure == "503" && second.failure == nil)
        guard case .call("order", 2) = call.detail else {
            Issue.record("\(call.detail)")
            return
        }
        guard case .attempt("order", good.address, 1, 200) = second.detail else {
            Issue.record("\(second.detail)")
            return
        }
        // What the instance was told is the try's own place in the trace.
        let told = try #require(good.requests.last)
        let parent = try #require(told.headers[.traceparent].flatMap(TraceContext.init))
        #expect(parent.spanID == second.id)
        #expect(told.headers[.tracestate] == "a=b")
        await bad.stop()
        await good.stop()
    }

    @Test func `a call without an answer says why, in the trace`() async throws {
        let gone = try Backend { _ throws(Problem) in .text("ok") }
        await gone.stop()
        let seen = try await spans(of: [gone.address])
        let call = try #require(seen.first)
        #expect(call.failure?.hasPrefix("unavailable: ") == true, "\(call)")
        let attempt = try #require(seen.last)
        #expect(attempt.parent == call.id)
        #expect(attempt.failure?.hasPrefix("cannot connect: ") == true, "\(attempt)")
    }

    @Test func `a call outside of any trace leaves no span, and a stranger's state goes nowhere`()
        async throws
    {
        let backend = try Backend { _ throws(Problem) in .text("ok") }
        let count = try await onLoop {
            let metrics = Metrics()
            let tracer = Tracer(loops: [.required])
            tracer.show(in: metrics)
            let service = try upstream([backend.address])
            let request = ClientRequest(.get, "/", headers: [.tracestate: "a=b"])
            _ = await service.attempt(request, CallOptions(isIdempotent: true))
            return metrics.render()
        }
        #expect(count.contains("trace_spans_total 0\n"))
        #expect(backend.requests.last?.headers[.tracestate] == nil)
        await backend.stop()
    }

    @Test func `every instance is asked, and one that is away does not hold up the others`()
        async throws
    {
        let one = try Backend { _ throws(Problem) in .text("one") }
        let two = try Backend { _ throws(Problem) in .empty(.notFound) }
        let slow = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(5))
            return .text("late")
        }
        let answers = try await onLoop {
            let service = try upstream([one.address, two.address, slow.address])
            return await service.askEach(ClientRequest(.get, "/x"), within: .milliseconds(300))
        }
        let byInstance = Dictionary(answers.map { ($0.instance, $0.result) }) { first, _ in first }
        #expect(byInstance.count == 3)
        let first = try byInstance[one.address.description]?.get()
        #expect(first?.content == [UInt8]("one".utf8))
        #expect(try byInstance[two.address.description]?.get().status == .notFound)
        guard case .failure(.timedOut) = byInstance[slow.address.description] else {
            Issue.record("\(answers)")
            return
        }
        await one.stop()
        await two.stop()
        await slow.stop()
    }
}
