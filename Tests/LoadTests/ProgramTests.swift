import Glibc
import HTTP
import Launching
import Reactor
import Testing

@testable import Load

@Suite struct `Another program` {
    /// Runs `body` on a loop, as the whole of `load` does.
    private func onLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        try await Task(executorPreference: loops.loops[0]) { try await body() }.value
    }

    private static let brief = Program.Limits(time: .milliseconds(50), grace: .milliseconds(50))

    @Test func `its words and its end are told`() async throws {
        try await onLoop {
            let said = try await Program.run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"])
            #expect(said == Program.Outcome(status: 3, text: "out\nerr\n"))
            await #expect(throws: Shop.Failed.self) { () async throws in
                _ = try await Program.run("/nowhere/program", [])
            }
        }
        #expect(Program.find("sh") != nil && Program.find("no such program") == nil)
    }

    @Test func `it is told to end when its time is over, although it never stops writing`()
        async throws
    {
        try await onLoop {
            let late = try await Program.run(
                "/bin/sleep",
                ["60"],
                within: Program.Limits(time: .milliseconds(50))
            )
            #expect(late.status == 128 + SIGTERM)
            let loud = try await Program.run(
                "/bin/sh",
                ["-c", "while :; do echo and so on; done"],
                within: Program.Limits(time: .milliseconds(50))
            )
            #expect(loud.status == 128 + SIGTERM)
            let deaf = try await Program.run(
                "/bin/sh",
                ["-c", "trap '' TERM; while :; do sleep 0.01; done"],
                within: Self.brief
            )
            #expect(deaf.status == 128 + SIGKILL)
        }
    }

    @Test func `what only looks ends with the task, what changes something does not`() async throws
    {
        try await onLoop {
            let looking = Task(executorPreference: EventLoop.required) {
                try await Program.run("/bin/sleep", ["60"], within: .looking)
            }
            looking.cancel()
            await #expect(throws: CancellationError.self) { () async throws in
                _ = try await looking.value
            }
            let changing = Task(executorPreference: EventLoop.required) {
                try await Program.run("/bin/sh", ["-c", "sleep 0.2; echo changed"])
            }
            changing.cancel()
            let changed = try await changing.value
            #expect(changed.text == "changed\n")
        }
    }

    @Test func `each signal is due once, and the second only after a while`() {
        let start = Deadline(nanoseconds: 0)
        func after(_ seconds: Int) -> Deadline { start.advanced(by: .seconds(seconds)) }
        let limits = Program.Limits(time: .seconds(10), grace: .seconds(5))
        var late = Program.Ending(limits, since: start)
        let due = [9, 10, 11, 14, 15].map { late.due(isInterrupted: false, at: after($0)) }
        #expect(due == [nil, SIGTERM, nil, nil, SIGKILL])
        var interrupted = Program.Ending(limits, since: start)
        let soon = [1, 2, 6].map { interrupted.due(isInterrupted: true, at: after($0)) }
        #expect(soon == [SIGTERM, nil, SIGKILL])
    }

    @Test func `a gateway of an experiment's own is ended and reaped in the middle of everything`()
        async throws
    {
        try await onLoop {
            let pid = try Launch(executable: "/bin/sleep", arguments: ["60"]).start()
            let stopped = Task(executorPreference: EventLoop.required) {
                await StackPlatform.end(pid)
            }
            stopped.cancel()
            await stopped.value
            #expect(waitpid(pid, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }
}

@Suite struct `What a consumer reads` {
    /// A page of so many events, behind which more are known.
    private static func page(_ count: Int, behind: Int64) -> JSONValue {
        let event: JSONValue = ["type": "t", "subject": "s", "sequence": "1", "hlc": "1"]
        return [
            "events": .array(Array(repeating: event, count: count)), "next": "n",
            "behind": ["events": .integer(behind)],
        ]
    }

    private func read(_ page: @escaping (Int) -> JSONValue?) async -> (events: Int, pages: Int) {
        var pages = 0
        let events = await EventReader.events(after: "p") { _ in
            pages += 1
            return pages > 50 ? nil : page(pages)
        }
        return (events.count, pages)
    }

    @Test func `ends although another event has come each time`() async {
        let found = await read { $0 == 1 ? Self.page(500, behind: 3) : Self.page(1, behind: 1) }
        #expect(found.events == 503 && found.pages == 4)
    }

    @Test func `is all that there was, however short the pages are`() async {
        let sizes = [2, 3, 1, 9]
        let found = await read { number in
            sizes.dropFirst(number - 1).first.map {
                Self.page($0, behind: number == 1 ? 4 : 99)
            }
        }
        #expect(found.events == 6 && found.pages == 3)
        #expect(await read { _ in Self.page(0, behind: 0) } == (0, 1))
        #expect(await read { _ in nil } == (0, 1))
    }
}
