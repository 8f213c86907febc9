import FoundationEssentials
import Postgres
import Reactor
import Telemetry
import Testing

@testable import Sagas

/// Makes a saga look as if nobody had driven it for so long.
private struct Age: Statement {
    static let sql = """
        UPDATE saga_pending SET next_at = next_at - interval '1 hour' WHERE saga_id = $1
        """
    let id: UUID
    func bind(_ parameters: inout Parameters) { parameters.append(id) }
}

/// Starts a saga as a process of another release would.
private struct Foreign: Statement {
    static let sql = """
        INSERT INTO saga_pending (saga_id, kind, version, phase, epoch, driver, next_at, deadline)
        VALUES ($1, $2, $3, 'running', 1, 'x#1', clock_timestamp(), clock_timestamp())
        """
    let id: UUID
    let kind: String
    let version: Int32
    func bind(_ parameters: inout Parameters) { parameters.append(id, kind, version) }
}

@Suite struct SagaKindTests {
    @Test func `a saga that begins decided goes forward until it is done`() async throws {
        try await Rehearsal.run { stage in
            stage.script.answer("undo bow", .unknown("dead"), .unknown("dead"))
            let runner = stage.runner("a", of: stage.farewell)
            try await stage.with([runner]) { () async throws in
                let id = UUID()
                try await stage.database.run([runner.start(id), runner.decided(id, by: "me")])
                let outcome = runner.launch(id, Part(id: id))
                // It is parked after its first try, and whoever waits is told.
                #expect(await outcome.wait(until: .after(.seconds(5))) == .handedOver)
                #expect(try await stage.waitForEnd(id))
                #expect(stage.script.calls == ["undo bow", "undo bow", "undo bow"])
                #expect(try await stage.notes(id) == ["gone"])
                let log = try await stage.database.all(FindSagaLog(id: id)).flatMap(\.self)
                #expect(log.first?.action == "decide" && log.first?.detail == "me")
                #expect(log.allSatisfy { $0.saga == "farewell" })
            }
        }
    }

    @Test func `whoever waits for a saga that begins decided is told of its end`() async throws {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a", of: stage.farewell)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["gone"])
            }
        }
    }

    @Test func `two sagas about one thing run side by side and end on their own`() async throws {
        try await Rehearsal.run { stage in
            let first = stage.runner("a")
            let second = stage.runner("a", of: stage.farewell)
            let gate = stage.script.hold("two")
            try await stage.with([first, second]) { () async throws in
                let (id, _) = try await stage.launch(first)
                try await stage.database.run(second.start(id))
                let gone = second.launch(id, Part(id: id))
                #expect(await gone.wait(until: .after(.seconds(5))) == .completed)
                let left = try await stage.database.all(FindPendingSagas(id: id))
                #expect(left.map(\.kind) == ["rehearsal"])
                gate.resolve(true)
                #expect(try await stage.waitForEnd(id))
                #expect(try await stage.notes(id) == ["confirmed", "gone"])
            }
        }
    }

    @Test(arguments: [("unheard-of", Int32(1)), ("rehearsal", 2)])
    func `a saga of an unknown kind or version waits where operators see it`(
        kind: String,
        version: Int32
    ) async throws {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a")
            let id = UUID()
            try await stage.database.run(Foreign(id: id, kind: kind, version: version))
            try await stage.with([runner]) { () async throws in
                // A saga that came later is driven: the foreign one blocks nobody.
                let (later, _) = try await stage.launch(runner)
                #expect(try await stage.waitForEnd(later))
                try await EventLoop.sleep(for: .milliseconds(150))
            }
            try await stage.database.run(Age(id: id))
            let oversight = SagaOversight(stage.database, instance: "a")
            let stuck = try await oversight.list(.stuck, after: nil, limit: 10)
            #expect(stuck.map(\.id) == [id] && stuck.first?.stuck == .noDriver)
            #expect(stuck.first?.epoch == 1 && stuck.first?.version == version)
            #expect(stage.script.calls == ["one", "two"])
        }
    }

    @Test func `a saga about nothing is put off and shows why`() async throws {
        try await Rehearsal.run { stage in
            let (id, _) = try await stage.launch(stage.runner("a", lease: .milliseconds(10)))
            try await stage.with([stage.runner("b", isAbout: false)]) { () async throws in
                var seen: PendingSaga?
                for _ in 0..<400 where (seen?.attempts ?? 0) < PendingSaga.stuckAttempts {
                    seen = try await stage.database.one(FindPendingSagas(id: id))
                    try await EventLoop.sleep(for: .milliseconds(20))
                }
                #expect(seen?.stuck == .noAnswer)
                #expect(seen?.lastError == "there is nothing that the saga is about")
            }
            #expect(stage.script.calls == [])
        }
    }
}
