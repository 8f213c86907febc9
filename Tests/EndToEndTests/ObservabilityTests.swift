import Foundation
import Testing

/// What people see of the platform: metrics, rules, dashboards.
@Suite(.serialized) struct ObservabilityTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("deploy/observability").path

    /// Debian's package `prometheus` brings it; nothing but these tests needs it.
    private static let promtool: String? = ["/usr/bin/promtool", "/usr/local/bin/promtool"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Runs promtool where it is, and says so where it is not.
    private func promtool(_ arguments: [String], reading file: String? = nil) async throws {
        guard let program = Self.promtool else {
            print("not checked with promtool, which is not installed: \(arguments)")
            return
        }
        let result: Command
        if let file {
            result = try await Command.run(
                "/bin/sh",
                ["-c", "exec \"$0\" \"$@\" <\"$INPUT\"", program] + arguments,
                environment: ["INPUT": file, "PATH": "/usr/bin:/bin"]
            )
        } else {
            result = try await Command.run(program, arguments)
        }
        #expect(result.status == 0, "promtool \(arguments): \(result.output)\(result.errors)")
    }

    // MARK: Files

    @Test func `the rules are rules, and each alert comes when its test says`() async throws {
        try await promtool(["check", "config", "--syntax-only", "\(Self.folder)/prometheus.yml"])
        try await promtool([
            "check", "config", "--syntax-only", "\(Self.folder)/prometheus.compose.yml",
        ])
        try await promtool(["check", "rules", "\(Self.folder)/rules.yml"])
        try await promtool(["test", "rules", "\(Self.folder)/rules.test.yml"])
    }

    @Test func `every alert has a test in which it fires`() throws {
        let rules = try String(contentsOfFile: "\(Self.folder)/rules.yml", encoding: .utf8)
        let tests = try String(contentsOfFile: "\(Self.folder)/rules.test.yml", encoding: .utf8)
        let alerts = rules.matches(of: /- alert: (\w+)/).map { String($0.1) }
        #expect(alerts.count >= 10)
        for alert in alerts {
            let fired = tests.components(separatedBy: "alertname: \(alert)\n").dropFirst()
                .contains { $0.drop { $0 == " " }.hasPrefix("exp_alerts:") }
            #expect(fired, "\(alert) fires in no test")
        }
    }

    @Test func `a page that breaks a rule is found out`() {
        let good = "# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n"
        #expect(MetricsPage(good).faults == [])
        let histogram = """
            # HELP h_seconds H.
            # TYPE h_seconds histogram
            h_seconds_bucket{x="y",le="1"} 2
            h_seconds_bucket{x="y",le="+Inf"} 3
            h_seconds_sum{x="y"} 4.5
            h_seconds_count{x="y"} 3

            """
        #expect(MetricsPage(histogram).faults == [])
        let bad = [
            good.replacing("_total", with: ""), good.replacing("counter", with: "gauge"),
            good.replacing("# HELP a_total A.\n", with: ""), good + good, good + "b 1\n",
            good.replacing(" 1\n", with: " x\n"), good + "a_total{b=\"c\"} 2\n",
            String(good.dropLast()), histogram.replacing("y\"} 3\n", with: "y\"} 4\n"),
            histogram.replacing("+Inf", with: "2"), histogram.replacing("\"} 2", with: "\"} 9"),
            good.replacing("a_total", with: "a_ms_total"),
        ]
        for page in bad { #expect(!MetricsPage(page).faults.isEmpty, "\(page)") }
    }

    // MARK: A stack

    @Test func `a checkout is seen in every process's metrics, and in one trace`() async throws {
        try await RunningStack.with(["--lean", "--faults"]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product()
            let id = "0af7651916cd43dd8448eb211c80319c"
            let asked = ["traceparent: 00-\(id)-b7ad6b7169203331-01", "tracestate: a=b"]
            let placed = try await shopper.order(product, headers: asked)
            #expect(placed.status == 201, "\(placed)")
            try await checkMetrics(stack)
            try await keepsTheWholeOfASlowRequest(stack, shopper, product)
            try await checkTrace(stack, shopper, id)
        }
    }

    /// Where each process's admin port is, by the process's name.
    private func adminPorts(_ stack: RunningStack) async throws -> [String: Int] {
        let listing = try await stack.run(["env"])
        var ports: [String: Int] = [:]
        for line in listing.output.split(separator: "\n") {
            if let match = line.wholeMatch(of: /([A-Z]+)_(\d+)_ADMIN_LISTEN=.*:(\d+)/) {
                ports["\(match.1.lowercased()).\(match.2)"] = Int(match.3)
            }
        }
        return ports
    }

    private func checkMetrics(_ stack: RunningStack) async throws {
        let ports = try await adminPorts(stack)
        #expect(ports.count == 7, "\(ports)")
        var pages: [MetricsPage] = []
        for (name, port) in ports.sorted(by: { $0.key < $1.key }) {
            let answer = try await Curl(port: port)("GET", "/metrics")
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let page = MetricsPage(answer.body)
            #expect(page.faults == [], "\(name)")
            #expect(page.has("http_request_seconds_bucket") && page.has("event_loop_busy_ratio"))
            pages.append(page)
            let file = "\(stack.folder)/\(name).metrics"
            try answer.body.write(toFile: file, atomically: true, encoding: .utf8)
            try await promtool(["check", "metrics"], reading: file)
        }
        for file in ["rules.yml", "grafana/dashboards/anyway.json"] {
            let text = try String(contentsOfFile: "\(Self.folder)/\(file)", encoding: .utf8)
            let names = Self.names(in: text)
            #expect(names.count > 8, "\(file): \(names)")
            for name in names {
                #expect(pages.contains { $0.has(name) }, "\(file): no process has \(name)")
            }
        }
    }

    /// The names of metrics in the queries of a file; `up` and what rules record are Prometheus's own.
    private static func names(in text: String) -> Set<String> {
        let queries = text.matches(of: /"?expr"?: (?:>\n)?((?:[^\n]|\n {10})+)/).map {
            String($0.1)
        }
        var names: Set<String> = []
        for query in queries {
            let bare = query.replacing(
                /\{[^}]*\}|\\"[^"]*\\"|\b(?:by|without) \([^)]*\)|\[\w+\]/,
                with: " "
            )
            for word in bare.matches(of: /[a-z][a-z0-9_:]*(?![a-z0-9_:(])/).map({ String($0.0) }) {
                let next = bare.range(of: word + "(")
                guard word.contains("_"), !word.contains(":"), next == nil else { continue }
                names.insert(word)
            }
        }
        return names
    }

    /// One process is slow, so the others keep their parts too, although those went well.
    private func keepsTheWholeOfASlowRequest(
        _ stack: RunningStack,
        _ shopper: Shopper,
        _ product: String
    ) async throws {
        try await stack.must(
            "fault",
            "payment",
            #"{"route":"PUT /payments/{order_id}","latency_ms":700,"count":1}"#
        )
        let id = "0af7651916cd43dd8448eb211c803200"
        let unmarked = ["traceparent: 00-\(id)-b7ad6b7169203331-00"]
        let placed = try await shopper.order(product, headers: unmarked)
        #expect(placed.status == 201, "\(placed)")
        let port = try #require(try await adminPorts(stack)["product.1"])
        var asked: [String] = []
        for _ in 0..<50 where !asked.contains(id) {
            try await Task.sleep(for: .milliseconds(100))
            let list = try await Curl(port: port)("GET", "/debug/traces")
            asked = (list["asked"] as? [[String: Any]] ?? []).compactMap {
                $0["trace_id"] as? String
            }
        }
        #expect(asked.contains(id), "product kept \(asked)")
    }

    private func checkTrace(_ stack: RunningStack, _ shopper: Shopper, _ id: String) async throws {
        let path = "/ops/traces/\(id)"
        #expect(try await shopper.get(path).status == 403)
        #expect(try await stack.curl("GET", path).status == 401)
        let admin = try await Shopper.admin(stack)
        // The notification service follows on its own time.
        var tree = try await stack.curl("GET", path, token: admin)
        for _ in 0..<50 where !tree.body.contains("apply order.confirmed") {
            try await Task.sleep(for: .milliseconds(200))
            tree = try await stack.curl("GET", path, token: admin)
        }
        #expect(tree.status == 200 && tree["complete"] as? Bool == true, "\(tree)")
        let processes = ["gateway.1", "notification.1", "order.1", "payment.1", "product.1"]
        // Where the gateway had to ask for the token's key first, the user service is there as well.
        let seen = (tree["instances"] as? [String] ?? []).filter { $0 != "user.1" }
        #expect(seen == processes, "\(tree["instances"] ?? "")")
        for name in [
            "POST /orders", "call order", "saga place-order", "execute reserve stock",
            "PUT /reservations/{order_id}", "PUT /payments/{order_id}", "POST provider",
            "commit confirm order", "EndOrder", "apply order.confirmed",
        ] {
            #expect(tree.body.contains(name), "\(name) is not in \(tree.body)")
        }
        let roots = tree["roots"] as? [[String: Any]] ?? []
        #expect(roots.count == 1, "everything has its cause in the one request: \(tree.body)")

        let text = try await stack.curl("GET", path, token: admin, headers: ["Accept: text/plain"])
        #expect(text.headers["content-type"]?.hasPrefix("text/plain") == true)
        #expect(text.body.hasPrefix("trace \(id)") && text.body.contains("└ "), "\(text.body)")
        print(text.body)
        let list = try await stack.curl("GET", "/ops/traces", token: admin)
        #expect(list.status == 200 && list.body.contains(id), "\(list)")
        #expect(try await stack.curl("GET", "/ops/traces/17", token: admin).status == 400)
        let nobody = String(repeating: "1", count: 32)
        #expect(try await stack.curl("GET", "/ops/traces/\(nobody)", token: admin).status == 404)

        try await stack.must("kill", "payment.1")
        let partly = try await stack.curl("GET", path, token: admin)
        #expect(partly.status == 200 && partly["complete"] as? Bool == false, "\(partly)")
        #expect(partly["missing", 0, "service"] as? String == "payment", "\(partly)")
        #expect(partly.body.contains("EndOrder"), "the others' parts are there")
    }
}
