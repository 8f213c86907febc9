import HTTP
import Reactor
import Synchronization
import Testing

@testable import ServiceKit
@testable import Telemetry

/// What a collector is sent, and what becomes of it when the collector is unwell.
@Suite struct TraceExportTests {
    /// Spans of every kind that a process makes.
    private static func spans() -> [TraceSpan] {
        let details: [(SpanDetail, SpanKind)] = [
            (.request(method: "POST", route: "/orders", status: 201), .server),
            (.request(method: "POST", route: nil, status: 404), .server),
            (.call(upstream: "product", tries: 2), .internal),
            (
                .attempt(upstream: "product", instance: .loopback(port: 9), number: 1, status: 200),
                .client
            ),
            (.attempt(upstream: "product", instance: nil, number: 0, status: nil), .client),
            (.statements(count: 3, sqlState: "40001"), .client),
            (.saga(id: "0192", driver: "order.1", end: "completed"), .internal),
            (.step(action: "execute", attempt: 1, outcome: "done"), .internal),
            (.event(type: "order.confirmed", subject: "0192", feed: "order"), .consumer),
            (.none, .internal),
        ]
        return details.enumerated().map { number, item in
            TraceSpan(
                traceHigh: 0x4bf9,
                traceLow: 7,
                id: UInt64(number + 1),
                parent: UInt64(number),
                start: Deadline(nanoseconds: 10),
                end: Deadline(nanoseconds: 20),
                name: .words("span", "\(number)"),
                kind: item.1,
                detail: item.0,
                failure: number % 2 == 0 ? "it \"failed\"" : nil,
                isSampled: true,
                isLocalRoot: number == 0
            )
        }
    }

    @Test func `what is sent is what the published schema says, to the last member`() throws {
        let message = OTLPRequest(
            Self.spans(),
            service: "order",
            instance: "order.2",
            SpanClock(offset: 1_700_000_000_000_000_000)
        )
        let value = try JSON.decode(JSONValue.self, from: JSON.encode(message))
        #expect(OTLPSchema.faults(value, as: "ExportTraceServiceRequest") == [])

        let resource = value["resourceSpans"]?.array?.first
        let spans = resource?["scopeSpans"]?.array?.first?["spans"]?.array ?? []
        #expect(spans.count == Self.spans().count)
        #expect(spans.first?["traceId"]?.string == "0000000000004bf90000000000000007")
        #expect(spans.first?["parentSpanId"] == nil, "the first has no parent")
        #expect(spans.last?["parentSpanId"]?.string == "0000000000000009")
        #expect(spans.first?["startTimeUnixNano"]?.string == "1700000000000000010")
        #expect(spans.map { $0["kind"]?.integer } == [2, 2, 1, 3, 3, 3, 1, 1, 5, 1])
        #expect(spans.first?["status"]?["code"]?.integer == 2)
        #expect(spans.last?["status"]?["code"]?.integer == 0)
    }

    @Test func `the schema's walker finds what is wrong`() {
        let wrong: [JSONValue] = [
            ["traceID": "x"], ["traceId": "AAAA"], ["kind": "SPAN_KIND_SERVER"], ["kind": 9],
            ["startTimeUnixNano": 17], ["flags": -1], ["attributes": ["key": "x"]],
            ["attributes": [["key": "a", "value": ["stringValue": "b", "intValue": "1"]]]],
            ["attributes": [["key": "a", "value": ["intValue": 1]]]],
            ["status": ["code": 3]], ["spanId": "0000000000000000"],
        ]
        for span in wrong { #expect(!OTLPSchema.faults(span, as: "Span").isEmpty, "\(span)") }
    }

    // MARK: The queue

    @Test func `what finds no room is dropped and counted`() {
        var queue = ExportQueue(limits: .init(waiting: 15, batch: 8))
        queue.add(Self.spans())
        queue.add(Self.spans())
        #expect(queue.count == 15 && queue.dropped == 5)
        let (first, again) = (queue.load().count, queue.load().count)
        #expect(first == 8 && again == 8, "the batch at hand stays until it is done with")
        let next = queue.finish(.taken(rejected: 3), jitter: 0)
        #expect(next == .goOn)
        #expect(queue.sent == 5 && queue.dropped == 8)
        let rest = queue.load()
        #expect(rest.count == 7)
    }

    @Test(arguments: [429, 502, 503, 504]) func `these are tried again, later each time`(
        _ status: Int
    ) {
        var queue = ExportQueue(limits: .init(tries: 4, firstPause: .seconds(1)))
        queue.add(Self.spans())
        _ = queue.load()
        var pauses: [ExportQueue.Next] = []
        for _ in 0..<4 {
            pauses.append(queue.finish(.status(status, retryAfter: nil), jitter: 1))
        }
        #expect(
            pauses == [
                .again(after: .seconds(1)), .again(after: .seconds(2)), .again(after: .seconds(4)),
                .goOn,
            ]
        )
        let rest = queue.load()
        #expect(queue.dropped == Self.spans().count && rest.isEmpty)
    }

    @Test(arguments: [301, 400, 401, 404, 413, 500, 501]) func `these are not tried again`(
        _ status: Int
    ) {
        var queue = ExportQueue()
        queue.add(Self.spans())
        _ = queue.load()
        let next = queue.finish(.status(status, retryAfter: nil), jitter: 0)
        #expect(next == .goOn)
        #expect(queue.dropped == Self.spans().count && queue.count == 0)
    }

    @Test func `the collector's own wish counts, within reason`() {
        var queue = ExportQueue(limits: .init(firstPause: .seconds(1), longestPause: .seconds(30)))
        queue.add(Self.spans())
        _ = queue.load()
        let asked = queue.finish(.status(429, retryAfter: .seconds(10)), jitter: 0)
        #expect(asked == .again(after: .seconds(10)))
        let absurd = queue.finish(.status(429, retryAfter: .seconds(3600)), jitter: 0)
        #expect(absurd == .again(after: .seconds(30)))
        let none = queue.finish(.noAnswer, jitter: 0)
        #expect(none == .again(after: .seconds(2)))
    }

    // MARK: Over HTTP

    /// A collector that answers with some statuses in turn, then 200.
    private final class Collector: Sendable {
        let seen = Mutex<[(path: String, content: [UInt8])]>([])
        let statuses: Mutex<[Int]>

        init(_ statuses: [Int]) { self.statuses = Mutex(statuses) }

        func answer(_ request: Request) async throws(Problem) -> Response {
            let content = try await request.body()
            seen.withLock { $0.append((request.target, content)) }
            let status = statuses.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
            return .json(JSONValue.object([:]), status: Status(status))
        }
    }

    private func export(
        to statuses: [Int],
        until isDone: @escaping @Sendable (Collector) -> Bool
    ) async throws -> (collector: Collector, metrics: String) {
        let collector = Collector(statuses)
        let group = try EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(listener: listener) { request throws(Problem) in
            try await collector.answer(request)
        }
        let running = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let target = try #require(ExportTarget("http://\(listener.address)/base/"))
        let metrics = Metrics()
        let exporter = TraceExporter(
            target,
            client: HTTPClient(),
            log: .silent,
            limits: .init(tries: 3, firstPause: .milliseconds(5)),
            interval: .milliseconds(5)
        )
        TraceExporter.show(exporter, in: metrics)
        let exporting = Task(executorPreference: group.loops[0]) { await exporter.run() }
        exporter.take(Self.spans())
        for _ in 0..<1_000 where !isDone(collector) { try await Task.sleep(for: .milliseconds(5)) }
        exporting.cancel()
        await exporting.value
        running.cancel()
        _ = try? await running.value
        return (collector, metrics.render())
    }

    @Test func `a collector that is busy gets the spans later, all of them once`() async throws {
        let (collector, metrics) = try await export(to: [503, 429]) { collector in
            collector.seen.withLock { $0.count } >= 3
        }
        let seen = collector.seen.withLock { $0 }
        #expect(seen.map(\.path) == Array(repeating: "/base/v1/traces", count: 3))
        #expect(Set(seen.map(\.content)).count == 1, "the same spans each time")
        let value = try JSON.decode(JSONValue.self, from: try #require(seen.last).content)
        #expect(OTLPSchema.faults(value, as: "ExportTraceServiceRequest") == [])
        #expect(metrics.contains("trace_export_spans_total{outcome=\"sent\"} 10\n"), "\(metrics)")
    }

    @Test func `a collector that refuses is not asked twice`() async throws {
        let (collector, metrics) = try await export(to: [400]) { collector in
            collector.seen.withLock { !$0.isEmpty }
        }
        #expect(collector.seen.withLock { $0.count } == 1)
        #expect(
            metrics.contains("trace_export_spans_total{outcome=\"dropped\"} 10\n"),
            "\(metrics)"
        )
    }

    // MARK: Settings

    @Test func `a collector's address is a plain URL`() throws {
        let target = try #require(ExportTarget("http://collector:4318"))
        #expect(target == ExportTarget("http://collector/"))
        #expect(target.path == "/v1/traces" && target.authority == "collector:4318")
        #expect(ExportTarget("http://[::1]:9/otlp/")?.host == "::1")
        #expect(ExportTarget("http://[::1]:9/otlp/")?.path == "/otlp/v1/traces")
        for text in [
            "", "collector:4318", "https://collector", "http://", "http://a:0", "http://a:x",
            "http://a@b", "http://a/b?c", "http://a b", "http://::1:4318",
        ] {
            #expect(ExportTarget(text) == nil, "\(text)")
        }
    }

    @Test(
        arguments: [
            ("TRACES", "yes"), ("TRACE_SLOW", "5"), ("TRACE_SHARE", "2"), ("TRACE_SHARE", "x"),
            ("OTLP_ENDPOINT", "https://collector"),
        ]
    )
    func `a setting that cannot be used is named`(_ name: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try TraceSettings(Environment([name: value]))
        }
        #expect(error?.variable == name)
    }

    @Test func `without settings spans are kept and sent nowhere`() throws {
        let settings = try TraceSettings(Environment([:]))
        #expect(settings.isOn && settings.export == nil)
        #expect(settings.policy.slow == .milliseconds(500) && settings.policy.share == 0.01)
        let off = try TraceSettings(Environment(["TRACES": "off", "TRACE_SHARE": "0"]))
        #expect(!off.isOn && off.policy.share == 0)
    }
}
