import Testing
import Witness

@testable import Stack

/// Every rule is shown a history that keeps it and histories that break it.
@Suite struct `What clients saw` {
    private static let customer = "01900000-0000-7000-8000-000000000001"

    private func line(
        _ kind: HistoryLine.Kind = .checkout,
        _ outcome: HistoryLine.Outcome = .ok,
        status: Int? = 201,
        key: String = "k",
        order: String? = "a",
        state: String? = nil,
        digest: UInt32? = 1,
        at time: Int = 0,
        took: Int = 1
    ) -> HistoryLine {
        HistoryLine(
            start: time,
            end: time + took,
            customer: Self.customer,
            key: key,
            kind: kind,
            outcome: outcome,
            status: status,
            order: order,
            state: state,
            digest: digest
        )
    }

    private func stored(_ status: String) -> StoredOrder { stored("a", status) }

    private func stored(_ id: String, _ status: String, key: String = "k") -> StoredOrder {
        StoredOrder(id: id, ask: Ask(customer: Self.customer, key: key), status: status)
    }

    private func judge(_ lines: [HistoryLine], _ orders: [StoredOrder]) throws -> HistoryJudge {
        var history = try History([], named: "none")
        history.lines = lines
        return HistoryJudge(history, orders)
    }

    @Test func `an honest shop holds on all counts`() throws {
        let judged = try judge(
            [
                line(.checkout, .unknown, status: nil, order: nil, digest: nil),
                line(status: 202, state: "saved", digest: 7, at: 10),
                line(.read, status: 200, state: "pending", at: 20),
                line(state: "confirmed", at: 30), line(state: "confirmed", at: 40),
                line(.checkout, .fail, status: 422, order: nil, digest: 9, at: 50),
                line(.checkout, .fail, status: 409, key: "l", order: "b"),
                line(.checkout, .fail, status: 400, key: "m", order: nil),
                line(.checkout, .unknown, status: 503, key: "n", order: nil),
            ],
            [stored("confirmed"), stored("b", "rejected", key: "l")]
        )
        #expect(judged.findings.count == 6)
        let wrong = judged.findings.filter { !$0.holds }
        #expect(wrong.isEmpty, "\(wrong)")
    }

    @Test func `an acknowledged order that is not there, or is another's, is missed`() throws {
        #expect(try judge([line()], []).missing == ["a"])
        #expect(try judge([line(status: 202)], [stored("b", "confirmed")]).missing == ["a"])
        #expect(try judge([line()], [stored("a", "confirmed", key: "other")]).missing == ["a"])
        #expect(try judge([line(order: nil)], [stored("confirmed")]).missing.count == 1)
        #expect(try judge([line(.checkout, .unknown, status: nil)], []).missing.isEmpty)
    }

    @Test(arguments: [
        (201, ["confirmed", "cancelling", "cancelled"]),
        (202, ["confirmed", "rejected", "cancelled"]),
        (402, ["rejected"]), (409, ["rejected"]), (504, ["rejected"]),
    ])
    func `each answer allows its own ends and no other`(status: Int, allowed: [String]) throws {
        let outcome: HistoryLine.Outcome = status < 300 ? .ok : .fail
        for state in ["pending", "confirmed", "rejected", "cancelling", "cancelled"] {
            let judged = try judge([line(.checkout, outcome, status: status)], [stored(state)])
            #expect(judged.broken.isEmpty == allowed.contains(state), "\(status) \(state)")
        }
    }

    @Test func `what was refused outright is not stored, unless the key was asked with again`()
        throws
    {
        let refused = line(.checkout, .fail, status: 400, order: nil)
        #expect(try judge([refused], []).broken.isEmpty)
        #expect(try judge([refused], [stored("confirmed")]).broken.count == 1)
        #expect(try judge([refused, line()], [stored("confirmed")]).broken.isEmpty)
        let unknown = line(.checkout, .unknown, status: nil, order: nil)
        #expect(try judge([refused, unknown], [stored("confirmed")]).broken.isEmpty)
    }

    @Test func `a cancellation that was acknowledged ends cancelled`() throws {
        let cancelled = line(.cancel, status: 200)
        #expect(try judge([cancelled], [stored("cancelled")]).broken.isEmpty)
        for state in ["confirmed", "cancelling", "rejected"] {
            #expect(try judge([cancelled], [stored(state)]).broken.count == 1)
        }
        #expect(try judge([cancelled], []).broken.count == 1)
    }

    @Test func `a key that leads to two orders is seen, in answers and in the database`() throws {
        let order = stored("confirmed")
        #expect(try judge([line(), line()], [order]).doubled.isEmpty)
        #expect(try judge([line(), line(order: "b")], [order]).doubled.count == 1)
        #expect(try judge([line()], [stored("b", "confirmed")]).doubled.count == 1)
        let unknown = line(.checkout, .unknown, status: nil, order: nil)
        #expect(try judge([unknown], [order]).doubled.isEmpty)
        #expect(try judge([unknown], [order, stored("b", "rejected")]).doubled.count == 1)
        #expect(try judge([line(), line(key: "l", order: "b")], [order]).doubled.isEmpty)
    }

    @Test func `a last answer is given again as it was`() throws {
        let order = [stored("confirmed")]
        #expect(try judge([line(), line(at: 9)], order).contradicted.isEmpty)
        #expect(try judge([line(), line(digest: 2, at: 9)], order).contradicted.count == 1)
        let refused = line(.checkout, .fail, status: 409)
        #expect(try judge([line(), refused], order).contradicted.count == 1)
        // What is not the last word may change.
        let saved = line(status: 202, state: "saved", digest: 2)
        let busy = line(.checkout, .unknown, status: 503, digest: 3)
        #expect(try judge([saved, busy, line()], order).contradicted.isEmpty)
    }

    @Test func `a status that goes backwards is seen, one that overlaps is not`() {
        func seen(_ state: String?, _ start: Int, _ took: Int = 1) -> HistoryLine {
            line(.read, status: state == nil ? 404 : 200, state: state, at: start, took: took)
        }
        let states = ["saved", "pending", "confirmed", "rejected", "cancelling", "cancelled"]
        let allowed: [String: [String]] = [
            "saved": states, "pending": Array(states.dropFirst()),
            "confirmed": ["confirmed", "cancelling", "cancelled"], "rejected": ["rejected"],
            "cancelling": ["cancelling", "cancelled"], "cancelled": ["cancelled"],
        ]
        for first in states {
            for second in states {
                let isFine = second == "saved" || allowed[first, default: []].contains(second)
                let lines = [seen(first, 0), seen(second, 10)]
                #expect(HistoryJudge.goesBackwards(lines) == !isFine, "\(first) \(second)")
                #expect(HistoryJudge.goesBackwards(lines.reversed()) == !isFine)
                // Two requests at the same time prove nothing about their order.
                #expect(!HistoryJudge.goesBackwards([seen(first, 0, 20), seen(second, 10)]))
            }
            #expect(HistoryJudge.goesBackwards([seen(first, 0), seen(nil, 10)]))
            #expect(!HistoryJudge.goesBackwards([seen(nil, 0), seen(first, 10)]))
        }
        let long = [seen("pending", 0, 100), seen("confirmed", 10), seen("pending", 20)]
        #expect(HistoryJudge.goesBackwards(long))
    }

    @Test func `an order that nobody asked for is seen`() throws {
        #expect(try judge([line()], [stored("confirmed")]).unasked.isEmpty)
        let judged = try judge([line()], [stored("confirmed"), stored("b", "confirmed", key: "l")])
        #expect(judged.unasked == ["b"])
        #expect(
            judged.findings.filter { !$0.holds }.map(\.name) == [
                "seen: no order that nobody asked for"
            ]
        )
    }

    @Test func `a file is read line by line, and a bad line is named`() throws {
        let good = """
            {"customer":"\(Self.customer)","digest":5,"end_us":9,"key":"k","kind":"checkout","order":"a","outcome":"ok","start_us":7,"state":"saved","status":202}
            {"customer":"\(Self.customer)","end_us":9,"key":"k","kind":"read","outcome":"unknown","start_us":7}

            """
        let history = try History(Array(good.utf8), named: "h")
        #expect(history.lines.first == line(status: 202, state: "saved", digest: 5, at: 7, took: 2))
        #expect(history.lines.count == 2)
        #expect(history.customers == [Self.customer])
        for bad in [
            "{}", "x", good.replacing("\"start_us\":7", with: "\"start_us\":10"),
            good.replacing(Self.customer, with: "' OR true --"),
        ] {
            #expect(throws: StackError.self) { () throws in
                _ = try History(Array(bad.utf8), named: "h")
            }
        }
    }

    @Test func `a row of the database is an order, whatever its key looks like`() {
        let key = "a,\"b'\\"
        let hex = key.utf8.map { $0 < 16 ? "0\(String($0, radix: 16))" : String($0, radix: 16) }
        let row = ["a", Self.customer, hex.joined(), "confirmed"]
        #expect(Oracle.order(row) == stored("a", "confirmed", key: key))
        #expect(Oracle.order(["a"]) == nil)
    }
}
