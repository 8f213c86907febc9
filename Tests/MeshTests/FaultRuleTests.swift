import HTTP
import Testing

@testable import Mesh

/// How rules are written, and how it is said what is wrong with them.
@Suite struct FaultRuleTests {
    private func rule(_ json: String) throws -> FaultRule {
        try FaultRule(JSON.decode(JSONValue.self, from: [UInt8](json.utf8)), name: "fault-1")
    }

    @Test func `a rule says which requests, how often, how long and what`() throws {
        let rule = try rule(
            """
            {"name": "lost", "route": "PUT /payments/{order_id}", "caller": "order", "percent": 12.5,
             "skip": 1, "count": 3, "duration_ms": 30000, "latency_ms": 250, "drop_reply": true}
            """
        )
        var expected = FaultRule("lost", .latency(.fixed(.milliseconds(250))), .dropReply)
        expected.route = try FaultRoute("PUT /payments/{order_id}")
        expected.peer = "order"
        (expected.percent, expected.skip, expected.count) = (12.5, 1, 3)
        expected.duration = .seconds(30)
        #expect(rule == expected)
    }

    static let rules: [(String, FaultRule)] = [
        (#"{"error": 503}"#, FaultRule("fault-1", .error(Status(503)))),
        (#"{"reset": true}"#, FaultRule("fault-1", .reset)),
        (#"{"drop_request": true}"#, FaultRule("fault-1", .dropRequest)),
        (#"{"drop_reply": true, "reset": false}"#, FaultRule("fault-1", .dropReply)),
        (#"{"duplicate": true}"#, FaultRule("fault-1", .duplicate)),
        (#"{"slow_body": 1000}"#, FaultRule("fault-1", .slowBody(bytesPerSecond: 1000))),
        (
            #"{"clock_offset_ms": -90000}"#,
            FaultRule("fault-1", .clockOffset(.seconds(-90)))
        ),
        (
            #"{"latency_ms": {"uniform": [50, 200.5]}}"#,
            FaultRule("fault-1", .latency(.uniform(.milliseconds(50), .microseconds(200_500))))
        ),
        (
            #"{"latency_ms": {"normal": {"mean": 100, "deviation": 20}}}"#,
            FaultRule(
                "fault-1",
                .latency(.normal(mean: .milliseconds(100), deviation: .milliseconds(20)))
            )
        ),
        (
            #"{"latency_ms": {"exponential": {"mean": 100}}}"#,
            FaultRule("fault-1", .latency(.exponential(mean: .milliseconds(100))))
        ),
        (
            #"{"latency_ms": {"pareto": {"least": 20, "shape": 1.5}}}"#,
            FaultRule("fault-1", .latency(.pareto(least: .milliseconds(20), shape: 1.5)))
        ),
    ]

    @Test(arguments: rules)
    func `every action can be written, and is read back as it was written`(
        json: String,
        expected: FaultRule
    ) throws {
        #expect(try rule(json) == expected)
        #expect(try FaultRule(expected.json, name: "other") == expected)
    }

    @Test func `an outgoing rule names its upstream`() throws {
        let rule = try rule(#"{"side": "outgoing", "upstream": "payment", "duplicate": true}"#)
        #expect(rule.side == .outgoing && rule.peer == "payment")
        #expect(try FaultRule(rule.json, name: "x") == rule)
    }

    @Test(arguments: [
        ("3", ""), ("{}", ""), (#"{"latencyms": 3}"#, "/latencyms"), (#"{"error": 200}"#, "/error"),
        (#"{"error": "503"}"#, "/error"), (#"{"reset": 1}"#, "/reset"),
        (#"{"reset": true, "drop_request": true}"#, ""),
        (#"{"error": 503, "drop_reply": true}"#, ""),
        (#"{"reset": true, "percent": 0}"#, "/percent"),
        (#"{"reset": true, "percent": 100.5}"#, "/percent"),
        (#"{"reset": true, "count": 0}"#, "/count"),
        (#"{"reset": true, "skip": -1}"#, "/skip"),
        (#"{"reset": true, "duration_ms": 1.5}"#, "/duration_ms"),
        (#"{"reset": true, "side": "up"}"#, "/side"),
        (#"{"reset": true, "upstream": "order"}"#, "/upstream"),
        (#"{"reset": true, "side": "outgoing", "caller": "order"}"#, "/caller"),
        (#"{"reset": true, "caller": ""}"#, "/caller"),
        (#"{"reset": true, "name": "a b"}"#, "/name"),
        (#"{"reset": true, "route": "payments"}"#, "/route"),
        (#"{"reset": true, "route": "FETCH /payments"}"#, "/route"),
        (#"{"reset": true, "route": "PUT /pay//ments"}"#, "/route"),
        (#"{"reset": true, "route": "/a/{b...}/c"}"#, "/route"),
        (#"{"reset": true, "route": "/a/{}"}"#, "/route"),
        (#"{"reset": true, "route": "/a/x{b}"}"#, "/route"),
        (#"{"latency_ms": -1}"#, "/latency_ms"), (#"{"latency_ms": 60001}"#, "/latency_ms"),
        (#"{"latency_ms": {"uniform": [200, 50]}}"#, "/latency_ms"),
        (#"{"latency_ms": {"uniform": [1, 2, 3]}}"#, "/latency_ms"),
        (#"{"latency_ms": {"normal": {"mean": 3}}}"#, "/latency_ms"),
        (#"{"latency_ms": {"pareto": {"least": 3, "shape": 0}}}"#, "/latency_ms"),
        (#"{"latency_ms": {"gamma": {}}}"#, "/latency_ms"),
        (#"{"clock_offset_ms": 5, "percent": 50}"#, "/percent"),
        (#"{"clock_offset_ms": 5, "reset": true}"#, "/clock_offset_ms"),
        (#"{"slow_body": 0}"#, "/slow_body"),
    ])
    func `what is wrong is pointed at`(json: String, pointer: String) throws {
        let value = try JSON.decode(JSONValue.self, from: [UInt8](json.utf8))
        let problem = try #require(throws: Problem.self) {
            try FaultRule(value, name: "fault-1", at: "/rules/0")
        }
        #expect(problem.status == .unprocessable)
        #expect(problem.errors.contains { $0.pointer == "/rules/0\(pointer)" })
    }

    @Test func `all that is wrong is said at once`() throws {
        let value: JSONValue = ["error": 7, "route": "x", "wrong": 1, "count": "many"]
        let problem = try #require(throws: Problem.self) { try FaultRule(value, name: "a") }
        #expect(
            Set(problem.errors.map(\.pointer)) == ["/error", "/route", "/wrong", "/count"]
        )
    }

    @Test(
        arguments: [
            ("/", Method.get, [], true), ("/", .get, ["a"], false),
            ("/orders", .get, ["orders"], true), ("/orders", .post, ["orders"], true),
            ("POST /orders", .get, ["orders"], false), ("POST /orders", .post, ["orders"], true),
            ("/orders", .get, ["orders", "7"], false), ("/orders/{id}", .get, ["orders"], false),
            ("/orders/{id}", .get, ["orders", "7"], true),
            ("/orders/{id}", .get, ["orders", "7", "timeline"], false),
            ("/orders/{id}/timeline", .get, ["orders", "7", "timeline"], true),
            ("/orders/{id}/timeline", .get, ["orders", "7", "cancel"], false),
            ("/a/{rest...}", .get, ["a", "b", "c"], true), ("/a/{rest...}", .get, ["a"], false),
            ("/a/{rest...}", .get, ["b", "c"], false),
        ] as [(String, Method, [String], Bool)]
    )
    func `a route is a template`(text: String, method: Method, path: [String], fits: Bool) throws {
        #expect(try FaultRoute(text).matches(method, path) == fits)
    }
}
