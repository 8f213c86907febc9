import HTTP
import Testing

@testable import ServiceKit

/// A trace as people read it.
@Suite struct TraceTreeTests {
    private static let id = "4bf92f3577b34da6a3ce929d0e0e4736"

    private func report(
        _ id: String,
        below parent: String? = nil,
        _ name: String = "work",
        at start: UInt64 = 0,
        for milliseconds: Double = 1,
        failure: String? = nil,
        attributes: [String: JSONValue] = [:]
    ) -> SpanReport {
        SpanReport(
            spanID: id,
            parentID: parent,
            name: name,
            kind: "internal",
            startedAt: "\(1_700_000_000_000_000_000 + start * 1_000_000)",
            milliseconds: milliseconds,
            failure: failure,
            attributes: attributes
        )
    }

    private func tree(_ parts: [TracePart], missing: [MissingPart] = []) -> TraceTree {
        TraceTree(id: Self.id, parts: parts, missing: missing)
    }

    @Test func `spans of several processes become one tree, in the order they began`() throws {
        let gateway = TracePart(
            service: "gateway",
            instance: "gateway.1",
            spans: [report("a", "POST /orders", at: 0, for: 10), report("b", below: "a", at: 1)]
        )
        let order = TracePart(
            service: "order",
            instance: "order.2",
            spans: [report("d", below: "b", at: 5), report("c", below: "b", at: 2, for: 6)]
        )
        let found = tree([order, gateway])
        #expect(found.spanCount == 4 && found.isComplete && found.milliseconds == 10)
        #expect(found.instances == ["gateway.1", "order.2"])
        let root = try #require(found.roots.first)
        #expect(found.roots.count == 1 && root.span.spanID == "a")
        #expect(root.children.first?.children.map(\.span.spanID) == ["c", "d"])
        #expect(root.children.first?.children.map(\.offset) == [2, 5])
        #expect(root.children.first?.children.map(\.service) == ["order", "order"])
    }

    @Test func `a span told twice counts once, and one without its cause stands by itself`() {
        let part = TracePart(
            service: "order",
            instance: "order.1",
            spans: [report("a"), report("x", below: "gone", at: 3)]
        )
        let found = tree([part, part])
        #expect(found.spanCount == 2)
        #expect(found.roots.map(\.span.spanID) == ["a", "x"])
    }

    @Test func `spans that name each other as their cause end nowhere, not in a loop`() {
        let part = TracePart(
            service: "x",
            instance: "x",
            spans: [
                report("a", below: "b"), report("b", below: "a", at: 1), report("c", below: "c"),
            ]
        )
        let found = tree([part])
        func count(_ nodes: [TraceTree.Node]) -> Int {
            nodes.reduce(0) { $0 + 1 + count($1.children) }
        }
        #expect(count(found.roots) == 3)
    }

    @Test func `a chain deeper than an answer may nest is cut, and nothing is lost`() {
        let spans = (0..<200).map { number in
            report("\(number)", below: number == 0 ? nil : "\(number - 1)", at: UInt64(number))
        }
        let found = tree([TracePart(service: "x", instance: "x", spans: spans)])
        func depth(_ nodes: [TraceTree.Node]) -> Int {
            nodes.map { 1 + depth($0.children) }.max() ?? 0
        }
        func count(_ nodes: [TraceTree.Node]) -> Int {
            nodes.reduce(0) { $0 + 1 + count($1.children) }
        }
        #expect(depth(found.roots) == TraceTree.maxDepth + 1)
        #expect(count(found.roots) == 200)
    }

    @Test func `the waterfall shows who, what, when, and what failed`() {
        let status: [String: JSONValue] = ["http.response.status_code": 503]
        let part = TracePart(
            service: "gateway",
            instance: "gateway.1",
            spans: [
                report("a", "GET /x", at: 0, for: 10, failure: "503", attributes: status),
                report("b", below: "a", "call order", at: 5, for: 5, failure: "two\nlines"),
                report("c", below: "a", "Find", at: 0, for: 0.02),
            ]
        )
        let gap = MissingPart(service: "order", instance: "127.0.0.1:1", reason: "it was away")
        #expect(
            tree([part], missing: [gap]).waterfall == """
                trace \(Self.id)  10.00 ms, 3 spans, 1 processes, incomplete
                gateway.1  GET /x         10.00 ms  |================================| 503 ! 503
                ├ gateway.1  Find          0.02 ms  |=                               |
                └ gateway.1  call order    5.00 ms  |                ================| ! two lines
                missing: order at 127.0.0.1:1: it was away

                """
        )
    }

    @Test(arguments: ["", "4bf9", "4BF92F3577B34DA6A3CE929D0E0E4736", id + "0", "..%2fmetrics"])
    func `only a trace id is taken for one`(_ text: String) {
        #expect(TraceText.halves(text) == nil)
        #expect(TraceText.halves(String(repeating: "0", count: 32)) == nil)
        #expect(TraceText.halves(Self.id)?.high == 0x4bf9_2f35_77b3_4da6)
        #expect(TraceText.hex(0x0a) == "000000000000000a")
    }
}

extension SpanReport {
    init(
        spanID: String,
        parentID: String?,
        name: String,
        kind: String,
        startedAt: String,
        milliseconds: Double,
        failure: String?,
        attributes: [String: JSONValue]
    ) {
        let members: [String: JSONValue?] = [
            "span_id": .string(spanID), "parent_id": parentID.map { .string($0) },
            "name": .string(name), "kind": .string(kind), "started_unix_ns": .string(startedAt),
            "milliseconds": .number(milliseconds), "failure": failure.map { .string($0) },
            "attributes": .object(attributes),
        ]
        let text = try? JSON.encode(members.compactMapValues(\.self))
        guard let report = try? JSON.decode(SpanReport.self, from: text ?? []) else {
            preconditionFailure("a report is JSON")
        }
        self = report
    }
}
