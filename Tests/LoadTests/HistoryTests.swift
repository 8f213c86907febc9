import FoundationEssentials
import HTTP
import Reactor
import Testing
import Witness

@testable import Load

@Suite struct HistoryTests {
    private static let meanings: [(HistoryLine.Kind, Int?, String?, HistoryLine.Outcome)] = [
        (.checkout, 201, nil, .ok), (.checkout, 202, nil, .ok),
        (.checkout, 402, "/problems/card-declined", .fail),
        (.checkout, 409, "/problems/out-of-stock", .fail),
        (.checkout, 409, "/problems/order-pending", .unknown), (.checkout, 400, nil, .fail),
        (.checkout, 422, "/problems/idempotency-key-reused", .fail),
        (.checkout, 408, nil, .unknown),
        (.checkout, 429, nil, .fail), (.checkout, 500, nil, .unknown),
        (.checkout, 502, nil, .unknown), (.checkout, 503, nil, .unknown),
        (.checkout, 504, nil, .unknown), (.checkout, 504, "/problems/order-timed-out", .fail),
        (.checkout, nil, nil, .unknown), (.read, 200, nil, .ok), (.read, 404, nil, .fail),
        (.read, 503, nil, .unknown), (.read, 401, nil, .unknown), (.read, nil, nil, .unknown),
    ]

    @Test(arguments: meanings)
    func `only what is definite counts as an answer`(
        kind: HistoryLine.Kind,
        status: Int?,
        problem: String?,
        outcome: HistoryLine.Outcome
    ) {
        #expect(HistoryLine.outcome(kind, status, problem: problem) == outcome)
    }

    @Test func `a digest is of the content, not of its order or its trace`() throws {
        func digest(_ text: String) throws -> UInt32? {
            Answer(status: 201, body: try JSON.decode(JSONValue.self, from: Array(text.utf8)))
                .digest
        }
        let one = try digest(#"{"id":"a","total_cents":5,"updated_at":"1","trace_id":"x"}"#)
        #expect(one != nil)
        #expect(try digest(#"{"trace_id":"y","total_cents":5,"updated_at":"1","id":"a"}"#) == one)
        // The stored answer is repeated as it is, so another time is another answer.
        #expect(try digest(#"{"id":"a","total_cents":5,"updated_at":"2","trace_id":"x"}"#) != one)
        #expect(try digest(#"{"id":"a","total_cents":6}"#) != one)
        #expect(Answer.none.digest == nil)
    }

    @Test func `every line is in the file when the history is closed`() throws {
        let path = "/var/tmp/anyway-history-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let history = try History(path)
        let body = JSONValue.object(["id": "a", "status": "saved"])
        for number in 0..<1000 {
            history.record(
                HistoryLine(
                    .checkout,
                    customer: "c",
                    key: "\(number)",
                    start: .now,
                    Answer(status: 202, body: body)
                )
            )
        }
        try history.close()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 1000)
        let last = try JSON.decode(JSONValue.self, from: Array((lines.last ?? "").utf8))
        #expect(last["key"] == "999" && last["state"] == "saved" && last["outcome"] == "ok")
        #expect(last["order"] == "a" && last["status"] == 202)
        #expect(throws: (any Error).self) { () throws in _ = try History("/proc/none/history") }
    }
}
