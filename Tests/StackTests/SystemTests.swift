import Glibc
import Launching
import Testing

@testable import Stack

@Suite struct `Processes` {
    @Test func `a name with spaces and parentheses does not shift the fields`() throws {
        let fields = (4...52).map(String.init).joined(separator: " ")
        let facts = try #require(ProcessFacts(line: "77 (a (b) c) S 3 \(fields.dropFirst(2))"))
        #expect(facts.pid == 77)
        #expect(facts.state == "S")
        #expect(facts.parent == 3)
        #expect(facts.startTicks == 22)
        #expect(facts.isAlive)
    }

    @Test(arguments: ["", "12", "12 (a", "x (a) S 1", "12 (a) S 1 2 3"])
    func `half a line is no process`(line: String) {
        #expect(ProcessFacts(line: line) == nil)
    }

    @Test func `we are alive and an older process of our pid is not`() throws {
        let own = try #require(ProcessIdentity(of: getpid()))
        #expect(own.isAlive)
        let former = ProcessIdentity(pid: getpid(), startTicks: own.startTicks - 1)
        #expect(!former.isAlive)
        #expect(!former.send(SIGKILL))
    }

    @Test func `a child gets a session of its own and a clean environment`() throws {
        let script = "echo $(cut -d' ' -f6 /proc/$$/stat) $$ ${HOME:-none} $A"
        let outcome = try Tool(
            Launch(
                executable: "/bin/sh",
                arguments: ["-c", script],
                environment: ["A": "b", "PATH": "/bin:/usr/bin"]
            ),
            scratch: "/tmp"
        ).finish(within: .seconds(10))
        let words = outcome.output.split { $0 == " " || $0 == "\n" }
        #expect(words.count == 4)
        #expect(words.first == words.dropFirst().first)
        #expect(words.suffix(2) == ["none", "b"])
    }

    @Test func `a tool reads its input whole and both its streams are kept apart`() throws {
        let text = String(repeating: "line\n", count: 100_000)
        let outcome = try Tool(
            Launch(executable: "/bin/sh", arguments: ["-c", "echo ERROR: no >&2; cat; exit 3"]),
            input: text,
            scratch: "/tmp"
        ).finish(within: .seconds(10))
        #expect(outcome.output == text)
        #expect(outcome.complaint == "ERROR: no")
        #expect(outcome.status == 3)
    }

    @Test func `a tool that takes too long is ended`() throws {
        let tool = try Tool(Launch(executable: "/bin/sleep", arguments: ["60"]), scratch: "/tmp")
        #expect(throws: StackError.self) { try tool.finish(within: .milliseconds(50)) }
        #expect(kill(tool.pid, 0) != 0)
    }

    @Test func `a stubborn process and a paused one are both ended`() throws {
        let stubborn = Launch(
            executable: "/bin/sh",
            arguments: ["-c", "trap '' TERM; while :; do sleep 0.1; done"],
            environment: ["PATH": "/bin"]
        )
        let processes = try [stubborn, Launch(executable: "/bin/sleep", arguments: ["60"])]
            .map { try #require(ProcessIdentity(of: $0.start())) }
        usleep(100_000)
        processes[1].send(SIGSTOP)
        Crew.stop(processes, grace: .milliseconds(300))
        #expect(living(processes) == 0)
    }

    @Test func `exit codes and signals are told apart`() {
        #expect(ExitStatus(raw: 0x4e00).description == "exit code 78")
        #expect(ExitStatus(raw: 9).description == "killed by signal 9")
        #expect(ExitStatus(raw: 9).code == 137)
    }
}

@Suite struct `Files and locks` {
    @Test(arguments: [("/a/./b//../c/", "/a/c"), ("/", "/"), ("/../x", "/x")])
    func `paths become absolute`(path: String, absolute: String) {
        #expect(Files.absolute(path) == absolute)
        #expect(Files.absolute("x").hasSuffix("/x"))
    }

    @Test func `a secret is made once, for us alone`() throws {
        let folder = try Scratch()
        let secrets = Secrets(layout: Layout(folder.path))
        try Files.makeFolder(Layout(folder.path).secrets, mode: 0o700)
        let first = try secrets.value("key", prefix: "sk_")
        #expect(try secrets.value("key", prefix: "sk_") == first)
        #expect(first.count == 35)
        #expect(try secrets.value("other") != first)
        let mode = try #require(Files.status(Layout(folder.path).secret("key"))).st_mode
        #expect(mode & 0o777 == 0o600)
    }

    @Test func `containers get folders of their own, made once`() throws {
        let folder = try Scratch()
        try Provision(root: folder.path).run()
        let url = Files.text("\(folder.path)/order/database-url") ?? ""
        #expect(url.hasPrefix("postgres://order:"))
        #expect(url.hasSuffix("@order-postgres:5432/order\n"))
        #expect(
            Files.names(in: "\(folder.path)/gateway") == [
                "authority.pem", "certificate.pem", "key.pem",
            ]
        )
        #expect(Files.names(in: "\(folder.path)/provider") == ["database-url", "provider-key"])
        let password = url.dropFirst("postgres://order:".count).prefix { $0 != "@" }
        let roles = Files.text("\(folder.path)/order-postgres/roles.sql") ?? ""
        #expect(roles.contains("PASSWORD '\(password)'"))
        #expect(Files.text("\(folder.path)/user-postgres/roles.sql")?.contains(password) == false)
        let addresses = try DatabaseAddresses(file: Provision(root: folder.path).databases)
        let reader = try addresses.variables("order")
        #expect(reader["PGUSER"] == "oracle" && reader["PGHOST"] == "order-postgres")
        #expect(roles.contains("PASSWORD '\(reader["PGPASSWORD"] ?? "")'"))
        try Provision(root: folder.path).run()
        #expect(Files.text("\(folder.path)/order/database-url") == url)
    }

    @Test func `a lock is held by one at a time`() throws {
        let folder = try Scratch()
        let lock = try FileLock.take("\(folder.path)/lock", wait: false)
        #expect(lock != nil)
        #expect(try FileLock.take("\(folder.path)/lock", wait: false) == nil)
        lock?.release()
        #expect(try FileLock.take("\(folder.path)/lock", wait: false) != nil)
    }

    @Test func `removing a folder does not follow links out of it`() throws {
        let folder = try Scratch()
        try Files.makeFolder("\(folder.path)/kept")
        try Files.replace("\(folder.path)/kept/file", with: "x")
        try Files.makeFolder("\(folder.path)/gone/deep")
        symlink("\(folder.path)/kept", "\(folder.path)/gone/link")
        try Files.remove("\(folder.path)/gone")
        #expect(Files.status("\(folder.path)/gone") == nil)
        #expect(Files.text("\(folder.path)/kept/file") == "x")
    }

    @Test func `following a log gives whole lines only`() throws {
        let folder = try Scratch()
        let path = "\(folder.path)/log"
        try Files.replace(path, with: "a\nb\n")
        var tail = LogTail(name: "x", path: path)
        #expect(tail.last(1) == ["b"])
        #expect(tail.more() == [])
        let descriptor = open(path, O_WRONLY | O_APPEND)
        defer { close(descriptor) }
        try Files.write(Array("c\nha".utf8), to: descriptor)
        #expect(tail.more() == ["c"])
        try Files.write(Array("lf\n".utf8), to: descriptor)
        #expect(tail.more() == ["half"])
    }
}

/// A folder that goes with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/anyway-test-\(Secrets.random(10).lowercased())"
        try Files.makeFolder(path)
    }

    deinit { try? Files.remove(path) }
}

/// How many of the processes still run.
func living(_ processes: [ProcessIdentity]) -> Int {
    processes.count { $0.isAlive }
}

/// Runs work that blocks on a thread of its own.
///
/// Swift runs all tests on as many threads as there are cores: one that blocks starves the others.
func onThread(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
        let box = Unmanaged.passRetained(Work { done.resume(with: Result { try work() }) })
        var thread = pthread_t()
        pthread_create(
            &thread,
            nil,
            { box in
                if let box { Unmanaged<Work>.fromOpaque(box).takeRetainedValue().run() }
                return nil
            },
            box.toOpaque()
        )
        pthread_detach(thread)
    }
}

private final class Work {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
