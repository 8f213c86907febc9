import FoundationEssentials
import Postgres
import PostgresHarness
import Reactor
import Testing

@testable import Sagas

/// Commits without an answer.
///
/// Leases are a minute long here: nobody but a saga's own driver can end it in time.
@Suite struct SagaReclaimTests {
    private static let declined = Refusal(reason: "declined")
    private static let lease = Duration.seconds(60)

    @Test func `a commit that never arrived is made again by the same driver`() async throws {
        try await Rehearsal.run { stage in
            stage.script.trouble(.lost)
            let runner = stage.runner("a", lease: Self.lease)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["confirmed"])
                // What the participants have answered is not asked again.
                #expect(stage.script.calls == ["one", "two"])
                let log = try await stage.database.all(FindSagaLog(id: id)).flatMap(\.self)
                #expect(log.map(\.step) == ["one", "two", "pivot", "pivot"])
                #expect(log.map(\.outcome) == ["done", "done", "unknown", "done"])
                #expect(log.map(\.epoch) == [1, 1, 1, 2])
            }
        }
    }

    @Test func `a commit whose answer was lost counts, and whoever waits is told so`() async throws
    {
        try await Rehearsal.run { stage in
            stage.script.trouble(.answerLost)
            let runner = stage.runner("a", lease: Self.lease)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test func `a refusal whose answer was lost is told, and undone by the same driver`()
        async throws
    {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .refused(Self.declined))
            stage.script.trouble(.answerLost)
            let runner = stage.runner("a", lease: Self.lease)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .refused(Self.declined))
                #expect(try await stage.waitForEnd(id))
                #expect(stage.script.calls == ["one", "two", "undo two", "undo one"])
                #expect(try await stage.notes(id) == ["rejected declined"])
            }
        }
    }

    @Test func `a commit that arrives after its saga was claimed again does not count`()
        async throws
    {
        try await Rehearsal.run { stage in
            let second = OneShot<Bool>()
            stage.script.trouble(.underWay, .held(second))
            let runner = stage.runner("a", lease: Self.lease)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                for _ in 0..<400 {
                    let rows = try await stage.database.all(FindPendingSagas(id: id))
                    if rows.first?.epoch == 2 { break }
                    try await EventLoop.sleep(for: .milliseconds(5))
                }
                // The row is in the phase that the commit expects: nothing but the epoch refuses it.
                let late = try #require(stage.script.late)
                let error = await #expect(throws: DatabaseError.self) {
                    try await late(Note(id: id, note: "confirmed too late"))
                }
                #expect(error.map(SagaCommit.isFence) == true)
                second.resolve(true)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test func `the end of a decided saga is told though its answer was lost`() async throws {
        try await Rehearsal.run { stage in
            stage.script.trouble(.lost, .answerLost)
            let runner = stage.runner("a", lease: Self.lease, of: stage.farewell)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["gone"])
            }
        }
    }

    @Test func `a saga that another driver has is not claimed again`() async throws {
        try await Rehearsal.run { stage in
            // Its commits never arrive, and meanwhile its lease lapses.
            stage.script.trouble(.lost)
            let first = stage.runner("a", lease: .milliseconds(200), pause: .milliseconds(400))
            let second = stage.runner("b", lease: Self.lease)
            let gate = stage.script.hold("two")
            try await stage.with([first]) { () async throws in
                let (id, outcome) = try await stage.launch(first)
                #expect(try await stage.hasAsked("two", times: 1))
                let underWay = stage.script.hold("two")
                try await EventLoop.sleep(for: .milliseconds(250))
                try await stage.with([second]) { () async throws in
                    #expect(try await stage.hasAsked("two", times: 2))
                    gate.resolve(true)
                    #expect(await outcome.wait(until: .after(.seconds(5))) == .handedOver)
                    underWay.resolve(true)
                    #expect(try await stage.waitForEnd(id))
                }
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test func `a start without an answer is driven as soon as it shows`() async throws {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a", lease: Self.lease)
            try await stage.with([runner]) { () async throws in
                let id = UUID()
                runner.launch(ifStarted: id, Part(id: id))
                try await EventLoop.sleep(for: .milliseconds(50))
                try await stage.database.run(runner.start(id))
                #expect(try await stage.waitForEnd(id))
                #expect(try await stage.notes(id) == ["confirmed"])
                #expect(stage.script.calls == ["one", "two"])
            }
        }
    }

    @Test func `a start without an answer that comes again with more time has that time`()
        async throws
    {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a", lease: Self.lease, deadline: .milliseconds(300))
            let gate = stage.script.hold("two")
            stage.script.answer("two", .unknown("busy"), .done)
            try await stage.with([runner]) { () async throws in
                let id = UUID()
                runner.launch(ifStarted: id, Part(id: id))
                try await EventLoop.sleep(for: .milliseconds(50))
                try await stage.database.run(runner.start(id, deadline: .seconds(60)))
                #expect(try await stage.hasAsked("two", times: 1))
                try await EventLoop.sleep(for: .milliseconds(500))
                gate.resolve(true)
                #expect(try await stage.waitForEnd(id))
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test func `a driver that stops is not given its sagas back by what it sent before`()
        async throws
    {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a", lease: Self.lease)
            let (id, _) = try await stage.launch(runner)
            try await stage.database.run(ReleaseSagas(kind: "rehearsal", driver: runner.driver))
            let late = ReclaimSaga(
                id: id,
                kind: "rehearsal",
                driver: runner.driver,
                attempts: 1,
                lastError: nil,
                leaseMilliseconds: 60_000
            )
            #expect(try await stage.database.all(late).isEmpty)
            try await stage.with([stage.runner("b")]) { () async throws in
                #expect(try await stage.waitForEnd(id))
            }
        }
    }

    @Test func `a driver that outlives its database ends its saga as soon as it is back`()
        async throws
    {
        let server = try await PostgresServer.start()
        let url = try await server.freshDatabase()
        let group = try EventLoopGroup(count: 1)
        let database = try Database(url: url, loops: group.loops)
        try await Task(executorPreference: group.loops[0]) { () async throws in
            try await database.migrate(Rehearsal.migrations)
            let stage = Rehearsal(database: database)
            let runner = stage.runner("a", lease: Self.lease)
            let gate = stage.script.hold("two")
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(try await stage.hasAsked("two", times: 1))
                try await server.crash()
                gate.resolve(true)
                try await EventLoop.sleep(for: .milliseconds(200))
                try await server.restart()
                #expect(await outcome.wait(until: .after(.seconds(20))) == .completed)
                #expect(try await stage.notes(id) == ["confirmed"])
                #expect(stage.script.calls == ["one", "two"])
            }
        }.value
        database.close()
        group.shutdown()
        try await server.stop()
    }
}
