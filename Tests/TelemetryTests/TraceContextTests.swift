import Testing

@testable import Telemetry

@Suite struct TraceContextTests {
    private let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `a valid traceparent survives a round trip`() throws {
        let context = try #require(TraceContext(traceparent: valid))
        #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.span == "00f067aa0ba902b7")
        #expect(context.isSampled)
        #expect(context.traceparent == valid)
    }

    @Test func `an unsampled trace stays unsampled`() throws {
        let context = try #require(TraceContext(traceparent: valid.dropLast() + "0"))
        #expect(!context.isSampled)
        #expect(context.child().traceparent.hasSuffix("-00"))
    }

    @Test func `unknown flag bits are read for the sampled bit only`() throws {
        let context = try #require(TraceContext(traceparent: valid.dropLast(2) + "ff"))
        #expect(context.traceparent.hasSuffix("-01"))
    }

    @Test func `a child keeps the trace and gets its own span`() throws {
        let parent = TraceContext.root()
        let child = parent.child()
        #expect(child.traceID == parent.traceID)
        #expect(child.span != parent.span)
        #expect(TraceContext(traceparent: child.traceparent) == child)
    }

    @Test func `two roots differ`() { #expect(TraceContext.root() != TraceContext.root()) }

    @Test func `a later version may carry more after a dash`() {
        let later = "cc" + valid.dropFirst(2)
        #expect(TraceContext(traceparent: later) != nil)
        #expect(TraceContext(traceparent: later + "-more") != nil)
        #expect(TraceContext(traceparent: later + ".more") == nil)
        #expect(TraceContext(traceparent: later + "m") == nil)
    }

    @Test(arguments: [
        "", "00", "garbage",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00-4bf92f3577b34da6a3ce929d0e0e4é36-00f067aa0ba902b7-01",
    ])
    func `anything else is refused`(_ header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test func `zero ids make no context`() {
        #expect(TraceContext(traceHigh: 0, traceLow: 0, spanID: 1, isSampled: true) == nil)
        #expect(TraceContext(traceHigh: 1, traceLow: 0, spanID: 0, isSampled: true) == nil)
        #expect(TraceContext(traceHigh: 1, traceLow: 0, spanID: 1, isSampled: true) != nil)
    }
}
