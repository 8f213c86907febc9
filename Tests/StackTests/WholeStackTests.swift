import Glibc
import Launching
import Testing

@testable import Stack

/// The real `stack` program with a real PostgreSQL and stand-ins for the services.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `A stack from up to down` {
    private let folder: Scratch
    private let port: UInt16
    private let layout: Layout

    init() throws {
        folder = try Scratch()
        try Files.makeFolder("\(folder.path)/services")
        for service in ServiceName.allCases {
            try Files.replace(
                "\(folder.path)/services/\(service.rawValue)",
                with: Self.standIn,
                mode: 0o755
            )
        }
        port = try Ports.choose(avoiding: [])
        layout = Layout("\(folder.path)/data")
    }

    /// Answers 200 on both of a process's ports; Perl is part of every Debian.
    static let standIn = """
        #!/usr/bin/perl
        use IO::Socket::INET; use IO::Select;
        $SIG{TERM} = sub { exit 0 };
        my @all = map { IO::Socket::INET->new(LocalAddr => $ENV{$_}, Listen => 9, ReuseAddr => 1) or die }
          qw(LISTEN ADMIN_LISTEN);
        while (1) { for my $one (IO::Select->new(@all)->can_read) {
          my $c = $one->accept or next; my $r = '';
          while ($r !~ /\\r\\n\\r\\n/) { sysread($c, $r, 4096, length $r) or last }
          print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}"; close $c } }

        """

    private static let program =
        Files.parent(of: Files.destination(ofLink: "/proc/self/exe") ?? "") ?? ""

    @discardableResult
    private func stack(_ words: String...) throws -> Tool.Outcome {
        try Tool(launch(words), scratch: folder.path).finish(within: .seconds(60))
    }

    private func launch(_ words: [String]) -> Launch {
        Launch(
            executable: "\(Self.program)/stack",
            arguments: words + ["--data", layout.root],
            environment: ["PATH": "/usr/bin:/bin"]
        )
    }

    private var up: [String] {
        ["up", "--lean", "--port", "\(port)", "--executables", "\(folder.path)/services"]
    }

    private func upDetached() throws -> Tool.Outcome {
        try Tool(launch(up + ["--detach"]), scratch: folder.path).finish(within: .seconds(60))
    }

    private func state() throws -> StackState { try StateFile(layout: layout).require() }

    private func process(_ name: String) throws -> ProcessIdentity {
        let members = try state().members
        let member = try #require(members.first { $0.plan.name.description == name })
        return try #require(member.run.process)
    }

    @Test func `detached, broken and mended`() async throws {
        try await onThread { try brokenAndMended() }
    }

    private func brokenAndMended() throws {
        let bystander = try #require(
            ProcessIdentity(of: Launch(executable: "/bin/sleep", arguments: ["100"]).start())
        )
        defer { Crew.stop([bystander], grace: .seconds(1)) }
        // Held open on purpose, as make holds its pipes: it must not reach the services.
        let spare = open("\(folder.path)/spare", O_CREAT | O_RDWR, 0o600)
        let outcome = try upDetached()
        close(spare)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let descriptors = "/proc/\(try process("order.1").pid)/fd"
        let files = Files.names(in: descriptors).compactMap {
            Files.destination(ofLink: "\(descriptors)/\($0)")
        }
        #expect(files.contains("\(layout.logs)/order.1.log"))
        #expect(!files.contains { $0.hasSuffix("/spare") || $0.hasSuffix(".lock") })
        #expect(outcome.output.contains("http://localhost:\(port)/orders"))
        defer { _ = try? stack("down", "--wipe") }

        try staysAlone()
        try killedServiceComesBack()
        try killedServerComesBack()

        #expect(try stack("status").status == 0)
        #expect(try stack("verify").status == 1)
        let everything = try state().liveServices + [try #require(try state().server.run.process)]
        #expect(everything.count == 8)
        #expect(try stack("down").status == 0)
        #expect(living(everything) == 0)
        #expect(bystander.isAlive)
        #expect(try stack("kill", "order").status == 1)
        #expect(try stack("down", "--wipe").status == 0)
        #expect(Files.status(layout.root) == nil)
    }

    /// A second one is refused, and no role reaches another's database.
    private func staysAlone() throws {
        let second = try upDetached()
        #expect(second.status == 1)
        #expect(second.errors.contains("already up"))
        let settings = try stack("env").output
        #expect(settings.contains("ORDER_DATABASE_URL=postgres://order:"))
        let url = try #require(Files.text(layout.databaseURL(.order))).trimmingSuffix("\n")
        let psql = "\(try state().server.programs)/psql"
        func select(_ address: String) throws -> Int32 {
            try Tool(
                Launch(executable: psql, arguments: ["-c", "SELECT 1", address]),
                scratch: folder.path
            ).finish(within: .seconds(10)).status
        }
        #expect(try select(url) == 0)
        for other in ["payment", "user", "postgres", "template1"] {
            #expect(try select(url.dropLast("order".count) + other) == 2)
        }
    }

    private func killedServiceComesBack() throws {
        let before = try process("order.1")
        let ports = try state().members.map(\.plan.ports)
        #expect(try stack("kill", "order.1").status == 0)
        #expect(!before.isAlive)
        #expect(try stack("status").status == 1)
        #expect(try stack("start", "order").status == 0)
        #expect(try process("order.1") != before)
        #expect(try state().members.map(\.plan.ports) == ports)
        #expect(try stack("pause", "user").status == 0)
        #expect(try process("user.1").isPaused)
        #expect(try stack("resume", "user").status == 0)
        #expect(try !process("user.1").isPaused)
        #expect(try stack("restart", "user").status == 0)
    }

    private func killedServerComesBack() throws {
        #expect(try stack("kill", "postgres").status == 0)
        #expect(try stack("verify").status == 69)
        #expect(try stack("start", "postgres").status == 0)
        #expect(try state().server.run.restarts == 1)
    }

    @Test func `a killed stack is cleaned up by the next one, which Ctrl-C ends`() async throws {
        try await onThread { try cleanedUp() }
    }

    private func cleanedUp() throws {
        let first = try #require(ProcessIdentity(of: launch(up).start()))
        #expect(waitUntil { (try? state().phase) == .running })
        first.send(SIGKILL)
        #expect(waitUntil { !first.isAlive })
        let leftovers = try state().liveServices
        #expect(leftovers.count == 7)
        #expect(living(leftovers) == 7)

        let second = try #require(ProcessIdentity(of: launch(up).start()))
        defer { _ = try? stack("down", "--wipe") }
        #expect(waitUntil { living(leftovers) == 0 })
        // One look at both: a stack that begins changes them together.
        #expect(
            waitUntil { (try? state()).map { $0.phase == .running && $0.owner == second } == true }
        )
        let services = try state().liveServices
        #expect(services.count == 7)
        second.send(SIGINT)
        #expect(waitUntil { !second.isAlive })
        #expect(living(services) == 0)
        #expect(try state().phase == .stopped)
    }

    @Test func `a supervised stack starts what was killed`() async throws {
        try await onThread { try supervised() }
    }

    private func supervised() throws {
        let owner = try #require(ProcessIdentity(of: launch(up + ["--supervise"]).start()))
        defer { _ = try? stack("down", "--wipe") }
        #expect(waitUntil { (try? state().phase) == .running })
        let before = try process("payment.1")
        #expect(try stack("kill", "payment").status == 0)
        #expect(waitUntil { (try? process("payment.1").isAlive) == true })
        #expect(try process("payment.1") != before)
        #expect(try stack("down").status == 0)
        #expect(!owner.isAlive)
    }

    @Test func `a service that does not start takes the stack down with its last words`()
        async throws
    {
        try await onThread { try lastWords() }
    }

    private func lastWords() throws {
        try Files.replace(
            "\(folder.path)/services/payment",
            with: "#!/bin/sh\necho PROVIDER_URL is odd; exit 78\n",
            mode: 0o755
        )
        let outcome = try upDetached()
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("payment.1 ended while starting"))
        #expect(outcome.errors.contains("PROVIDER_URL is odd"))
        #expect(try state().liveServices.isEmpty)
        #expect(try state().server.run.process == nil)
        try stack("down", "--wipe")
    }

    private func waitUntil(_ condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            if condition() { return true }
            usleep(20_000)
        }
        return false
    }
}
