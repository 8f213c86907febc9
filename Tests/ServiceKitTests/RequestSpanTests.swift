import HTTP
import Reactor
import Testing

@testable import ServiceKit
@testable import Telemetry

/// The span of a request, as the context around every service's routes makes it.
@Suite struct RequestSpanTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

    private static var router: Router {
        var router = Router()
        router.on(.get, "/orders/{id}") { request throws(Problem) in
            TraceContext.current?.begin()?.end(.words("inside", ""), .internal)
            return .text("ok")
        }
        router.on(.get, "/broken") { _ throws(Problem) in throw .internalError }
        router.on(.get, "/refused") { _ throws(Problem) in throw Problem(.conflict) }
        router.immediate(.get, "/health") { _ throws(Problem) in .text("ok") }
        router.on(.get, "/health/deep") { _ throws(Problem) in .text("ok") }
        return router
    }

    /// Sends a request through the context and gives the spans of the process.
    private func spans(
        _ target: String,
        method: HTTP.Method = .get,
        headers: Headers = [:]
    ) async throws -> [TraceSpan] {
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        return await Task(executorPreference: loop) {
            let tracer = Tracer(loops: [loop])
            let context = RequestContext(log: .silent, tracer: tracer)
            let handler = context.wrap(Self.router.responder).handler
            _ = try? await handler(Request(method, target, headers: headers))
            guard let root = await tracer.recent(limit: 1).first else { return [] }
            return await tracer.spans(traceHigh: root.traceHigh, traceLow: root.traceLow)
                .sorted { $0.start < $1.start }
        }.value
    }

    @Test func `a request's span is named by its route and holds what happens inside`() async throws
    {
        let seen = try await spans("/orders/17", headers: [.traceparent: Self.parent])
        #expect(seen.map(\.name.text) == ["GET /orders/{id}", "inside"])
        let root = try #require(seen.first)
        #expect(root.kind == .server && root.parent == 0x00f0_67aa_0ba9_02b7)
        #expect(seen.last?.parent == root.id)
        guard case .request("GET", "/orders/{id}", 200) = root.detail else {
            Issue.record("\(root.detail)")
            return
        }
    }

    @Test(arguments: [("/broken", "Internal Server Error" as String?, 500), ("/refused", nil, 409)])
    func `a fault of ours fails the span, a refusal does not`(
        _ path: String,
        _ failure: String?,
        _ status: Int
    ) async throws {
        let root = try #require(try await spans(path).first)
        #expect(root.failure == failure)
        guard case .request(_, path, status) = root.detail else {
            Issue.record("\(root.detail)")
            return
        }
    }

    @Test func `a method that a client made up is no fault of ours and names no span`() async throws
    {
        let root = try #require(
            try await spans(
                "/orders/17",
                method: .other("BREW"),
                headers: [.traceparent: Self.parent]
            ).first
        )
        #expect(root.failure == nil && root.name.text.hasPrefix("_OTHER"))
        guard case .request("_OTHER", _, 501) = root.detail else {
            Issue.record("\(root.detail)")
            return
        }
    }

    @Test(arguments: ["/health", "/health/deep", "/nowhere"])
    func `what nobody asked to trace is left out when it is not worth it`(_ path: String)
        async throws
    {
        #expect(try await spans(path).isEmpty)
        #expect(try await spans(path, headers: [.traceparent: Self.parent]).count == 1)
    }
}
