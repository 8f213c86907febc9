import Testing

@testable import Stack

@Suite struct `The command line` {
    private func parse(_ line: String) throws -> Invocation {
        try Invocation(line.split(separator: " ").map(String.init))
    }

    @Test func `a bare up is a full stack on port 8080 in .anyway`() throws {
        let invocation = try parse("up")
        #expect(invocation.data == ".anyway")
        #expect(invocation.command == .up(UpOptions()))
        let counts = UpOptions().replicas.values.reduce(0, +)
        #expect(counts == 18)
    }

    @Test func `flags may come in any order and either spelling`() throws {
        let invocation = try parse(
            "up --port=9090 --detach --replicas order=2,product=3 --data /tmp/x --lean --set A=b=c"
        )
        var options = UpOptions()
        for service in ServiceName.allCases { options.replicas[service] = 1 }
        options.replicas[.order] = 2
        options.replicas[.product] = 3
        options.port = 9090
        options.detach = true
        options.extra = ["A": "b=c"]
        #expect(invocation.data == "/tmp/x")
        #expect(invocation.command == .up(options))
    }

    @Test func `a variable can be for some processes alone`() throws {
        let words = "up --set A=1 --set order.2:B=x:y=z --set postgres:C=2 --set product:D="
        guard case .up(let options) = try parse(words).command else {
            Issue.record("no up")
            return
        }
        #expect(options.extra == ["A": "1"])
        let second = InstanceName(service: .order, number: 2)
        #expect(
            options.scoped == [
                ScopedVariable(target: .instance(second), name: "B", value: "x:y=z"),
                ScopedVariable(target: .postgres, name: "C", value: "2"),
                ScopedVariable(target: .service(.product), name: "D", value: ""),
            ]
        )
        #expect(throws: StackError.self) { try parse("up --set cart:A=1") }
        #expect(throws: StackError.self) { try parse("up --set order:=1") }
    }

    private static func options(
        _ change: (inout Verify.Options) -> Void
    ) -> Verify.Options {
        var options = Verify.Options()
        change(&options)
        return options
    }

    @Test(arguments: [
        (
            "kill order.2",
            Invocation.Command.control(.kill, [.instance(.init(service: .order, number: 2))])
        ),
        ("pause postgres order", .control(.pause, [.postgres, .service(.order)])),
        (
            "verify --wait 30 --json",
            .verify(
                options {
                    $0.json = true; $0.wait = .seconds(30)
                }
            )
        ),
        ("verify --history /tmp/h", .verify(options { $0.history = "/tmp/h" })),
        ("verify --databases /tmp/d", .verify(options { $0.databases = "/tmp/d" })),
        ("down --wipe", .down(wipe: true)), ("ps", .ps), ("env", .env), ("help", .help),
        ("", .help),
        ("up --help", .help), ("status --json", .status(json: true)),
        ("fault payment {\"drop\":1}", .fault(.service(.payment), .add("{\"drop\":1}"))),
        (
            "fault payment.2", .fault(.instance(InstanceName(service: .payment, number: 2)), .list)
        ),
        ("fault order --clear", .fault(.service(.order), .clear)),
    ])
    func `every command is understood`(line: String, command: Invocation.Command) throws {
        #expect(try parse(line).command == command)
    }

    @Test(arguments: [
        "go", "up --prot 1", "up 8080", "up --port", "up --port 0", "up --port 70000",
        "up --port x",
        "up --replicas order", "up --replicas order=0", "up --replicas cart=1",
        "up --replicas gateway=33",
        "up --set A", "kill", "kill nothing", "kill order.0", "kill order.x", "kill order.1.2",
        "kill .1",
        "ps order", "verify --wait -1", "fault", "fault order {} --clear", "fault postgres {}",
        "down now",
        "logs nothing",
        "logs -n many", "up --data", "up --data --lean",
    ])
    func `what makes no sense ends with 64 and says what to do`(line: String) throws {
        let error = #expect(throws: StackError.self) { try parse(line) }
        #expect(error?.exitCode == 64)
        #expect(error?.line.isEmpty == false)
    }

    @Test func `help names every command`() {
        let commands = [
            "up", "down", "ps", "status", "logs", "fault", "verify", "env", "provision", "help",
        ]
        for command in commands + Invocation.Verb.allCases.map(\.rawValue) {
            #expect(Usage.text.contains("stack \(command)"))
        }
    }

    @Test func `what is set aside is listed and replayed by its subject`() throws {
        #expect(try parse("events").command == .events)
        #expect(try parse("replay 0190-ab --data /tmp/x").command == .replay("0190-ab"))
        for line in ["replay", "replay a/../b", "replay a%2Fb", "replay a b", "events now"] {
            #expect(throws: StackError.self) { try parse(line) }
        }
    }
}
