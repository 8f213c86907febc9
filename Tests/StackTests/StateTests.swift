import Glibc
import Testing

@testable import Stack

@Suite struct `The state of a stack` {
    static func state(_ members: [String: ProcessIdentity?] = [:]) -> StackState {
        StackState(
            bootID: ProcessTable.bootID(),
            gatewayPort: 8080,
            server: .init(port: 11_000, home: "/tmp/home", programs: "/bin"),
            members: members.sorted { $0.key < $1.key }.map { name, process in
                let parts = name.split(separator: ".")
                let service = ServiceName(rawValue: String(parts[0])) ?? .order
                let plan = ProcessPlan(
                    name: .init(service: service, number: Int(parts[1]) ?? 0),
                    executable: "/bin/true",
                    ports: PortPair(listen: 1, admin: 2),
                    environment: [:]
                )
                return .init(plan: plan, run: .init(process: process))
            }
        )
    }

    @Test func `it survives a round trip through its file`() throws {
        let folder = try Scratch()
        let file = StateFile(layout: Layout(folder.path))
        #expect(try file.load() == nil)
        #expect(throws: StackError.self) { try file.require() }
        let state = Self.state(["order.1": ProcessIdentity(pid: 7, startTicks: 9), "user.1": nil])
        try file.save(state)
        #expect(try file.load() == state)
        try file.change { state throws(StackError) in state.phase = .running }
        #expect(try file.load()?.phase == .running)
    }

    @Test func `a start that fails half way is on record`() throws {
        let folder = try Scratch()
        let file = StateFile(layout: Layout(folder.path))
        try file.save(Self.state(["order.1": nil]))
        #expect(throws: StackError.self) {
            try file.change { state throws(StackError) in
                state.members[0].run.began(ProcessIdentity(pid: 7, startTicks: 9))
                throw .refused("no")
            }
        }
        #expect(try file.load()?.members[0].run.process?.pid == 7)
    }

    @Test func `a stack is up while its owner lives, or detached while any process lives`() throws {
        let own = try #require(ProcessIdentity(of: getpid()))
        var state = Self.state(["order.1": own])
        #expect(!state.isUp)
        state.owner = own
        #expect(state.isUp)
        state.owner = ProcessIdentity(pid: getpid(), startTicks: 1)
        #expect(!state.isUp)
        state.mode = .detached
        state.phase = .running
        #expect(state.isUp)
        state.bootID = "another boot"
        #expect(!state.isUp)
    }

    @Test func `a target means one process, all of a service, or an error that names them`() throws
    {
        let state = Self.state(["order.1": nil, "order.2": nil, "user.1": nil])
        #expect(try state.indices(of: .service(.order)) == [0, 1])
        #expect(try state.indices(of: .instance(.init(service: .user, number: 1))) == [2])
        let error = #expect(throws: StackError.self) {
            try state.indices(of: .instance(.init(service: .order, number: 3)))
        }
        #expect(error?.line.contains("order.1, order.2") == true)
    }
}

@Suite struct `Watching over processes` {
    @Test func `an end is reported once`() throws {
        let dead = ProcessIdentity(pid: getpid(), startTicks: 1)
        let own = try #require(ProcessIdentity(of: getpid()))
        let state = `The state of a stack`.state(["order.1": dead, "user.1": own])
        var watch = Watch()
        #expect(watch.look(at: state) == ["order.1"])
        #expect(watch.look(at: state) == [])
    }

    @Test func `a process that ended is due after a moment, one that never ran is not`() {
        let dead = ProcessIdentity(pid: getpid(), startTicks: 1)
        let state = `The state of a stack`.state(["order.1": dead, "user.1": nil])
        var watch = Watch()
        _ = watch.look(at: state)
        let now = ContinuousClock.now
        #expect(watch.due(state, now: now - .seconds(1)) == [])
        #expect(watch.due(state, now: now + .seconds(1)) == ["order.1"])
    }

    @Test func `the wait doubles up to five seconds and starts over after a good run`() {
        var backoff = RestartBackoff()
        var now = ContinuousClock.now
        #expect(backoff.isDue(now: now))
        var waits: [Duration] = []
        for _ in 0..<8 {
            backoff.ended(now: now)
            var wait = Duration.zero
            while !backoff.isDue(now: now + wait) { wait += .milliseconds(100) }
            waits.append(wait)
            now += wait
            backoff.started(now: now)
        }
        #expect(
            waits == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) }
        )
        now += .seconds(10)
        backoff.ended(now: now)
        #expect(!backoff.isDue(now: now))
        #expect(backoff.isDue(now: now + .milliseconds(100)))
    }
}
