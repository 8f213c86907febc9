import FoundationEssentials
import Postgres
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Sagas

@Suite struct OversightTests {
    private static let declined = Refusal(reason: "declined")

    /// A saga whose undo gets no answer, until it counts as stuck.
    private func standStill(_ stage: Rehearsal, _ runner: SagaRunner<Part>) async throws -> UUID {
        stage.script.answer("two", .refused(Self.declined))
        stage.script.state.withLock {
            $0.answers["undo two"] = Array(repeating: .unknown("dead"), count: 1000)
        }
        let (id, _) = try await stage.launch(runner)
        let oversight = SagaOversight(stage.database, instance: "a")
        for _ in 0..<400 {
            if try await !oversight.list(.stuck, after: nil, limit: 1).isEmpty { return id }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
        Issue.record("the saga is not stuck")
        return id
    }

    @Test func `a saga whose undo keeps failing is listed as stuck, with what it ran into`()
        async throws
    {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let id = try await standStill(stage, runner)
                let oversight = SagaOversight(stage.database, instance: "a")
                let listed = try await oversight.list(.compensating, after: nil, limit: 10)
                let saga = try #require(listed.first)
                #expect(saga.id == id && saga.kind == "rehearsal" && saga.driver == "a")
                #expect(saga.stuck == .noAnswer && saga.attempts >= PendingSaga.stuckAttempts)
                #expect(saga.lastError == "two: dead" && saga.reason == "declined")
                #expect(try await oversight.list(.running, after: nil, limit: 10).isEmpty)
                #expect(try await oversight.find(id).log.isEmpty == false)
            }
        }
    }

    @Test func `tries before the decision to undo do not count against the undoing`() async throws {
        try await Rehearsal.run { stage in
            // Parked for an hour, as far as this test is concerned.
            let runner = stage.runner("a", pause: .seconds(3600))
            stage.script.answer("two", .refused(Self.declined))
            stage.script.answer("undo two", .unknown("dead"))
            let oversight = SagaOversight(stage.database, instance: "b")
            let id = UUID()
            try await stage.database.run(stage.runner("gone").start(id))
            let postponed = PostponeSaga(
                id: id,
                kind: "rehearsal",
                epoch: 1,
                attempts: 9,
                lastError: "two: dead",
                leaseMilliseconds: 0
            )
            #expect(try await stage.database.all(postponed) == [1])
            try await stage.with([runner]) { () async throws in
                #expect(try await stage.hasAsked("undo one", times: 1))
                for _ in 0..<200 {
                    if try await oversight.find(id).pending.first?.attempts != 0 { break }
                    try await EventLoop.sleep(for: .milliseconds(10))
                }
                let saga = try #require(try await oversight.find(id).pending.first)
                #expect(saga.attempts == 1 && saga.stuck == nil)
            }
        }
    }

    @Test func `a retry of an operator is at once, is noted, and is safe beside a driver`()
        async throws
    {
        try await Rehearsal.run { stage in
            // Parked for an hour, as far as this test is concerned.
            let runner = stage.runner("a", pause: .seconds(3600))
            stage.script.answer("two", .refused(Self.declined))
            stage.script.answer("undo two", .unknown("dead"))
            let oversight = SagaOversight(stage.database, instance: "b")
            try await stage.with([runner]) { () async throws in
                let (id, _) = try await stage.launch(runner)
                for _ in 0..<200 where stage.script.calls.count < 4 {
                    try await EventLoop.sleep(for: .milliseconds(10))
                }
                try await EventLoop.sleep(for: .milliseconds(100))
                #expect(try await oversight.find(id).pending.first?.attempts == 1)
                let hastened = try await oversight.retry(id, by: "admin 7")
                #expect(hastened.map(\.kind) == ["rehearsal"])
                #expect(try await stage.waitForEnd(id))
                #expect(try await stage.notes(id) == ["rejected declined"])
                let log = try await oversight.find(id).log
                let note = try #require(log.first { $0.action == "retry" })
                #expect(note.detail == "admin 7" && note.driver == "b" && note.saga == "rehearsal")
                #expect(try await oversight.retry(id, by: "admin 7").isEmpty)
            }
        }
    }

    @Test func `pages follow on each other without a gap`() async throws {
        try await Rehearsal.run { stage in
            // Nobody runs them, so they stay.
            let runners = [stage.runner("a"), stage.runner("a", of: stage.farewell)]
            var ids: Set<String> = []
            for _ in 0..<5 {
                let id = UUID()
                for runner in runners {
                    try await stage.database.run(runner.start(id))
                    ids.insert("\(id.text).\(runner.saga.name)")
                }
            }
            let oversight = SagaOversight(stage.database, instance: "a")
            var cursor: SagaCursor?
            var seen: [String] = []
            for _ in 0..<6 {
                let page = try await oversight.list(nil, after: cursor, limit: 3)
                seen += page.map { "\(SagaCursor($0))" }
                guard let last = page.last else { break }
                cursor = SagaCursor("\(SagaCursor(last))")
                #expect(cursor != nil)
            }
            #expect(seen.count == 10 && Set(seen) == ids && seen == seen.sorted())
            #expect(try await oversight.list(.finishing, after: nil, limit: 10).count == 5)
            #expect(try await oversight.list(.running, after: nil, limit: 10).count == 5)
            #expect(try await oversight.list(.stuck, after: nil, limit: 10).isEmpty)
        }
    }

    @Test(arguments: ["", ".", "x", "x.y", "01900000-0000-7000-8000-00000000ad01", "a.b.c"])
    func `what is no cursor is refused`(text: String) {
        #expect(SagaCursor(text) == nil)
    }

    @Test func `the watch counts what is pending and what is stuck`() async throws {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a")
            let metrics = Metrics()
            let watch = SagaWatch(
                stage.database,
                log: .silent,
                metrics: metrics,
                interval: .milliseconds(20)
            )
            func shows(_ line: String) async throws -> Bool {
                for _ in 0..<200 {
                    if metrics.render().contains(line) { return true }
                    try await EventLoop.sleep(for: .milliseconds(20))
                }
                return false
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await watch.run() }
                try await stage.with([runner]) { () async throws in
                    let id = try await standStill(stage, runner)
                    let labels = #"{saga="rehearsal",phase="compensating"}"#
                    #expect(try await shows("sagas_stuck\(labels) 1\n"))
                    #expect(try await shows("sagas_pending\(labels) 1\n"))
                    stage.script.answer("undo two", .done)
                    #expect(try await stage.waitForEnd(id))
                    #expect(try await shows("sagas_stuck\(labels) 0\n"))
                    #expect(try await shows("sagas_pending\(labels) 0\n"))
                }
                group.cancelAll()
            }
        }
    }

    @Test func `the alarm speaks when the number changes, and now and then`() {
        func count(_ stuck: Int) -> [SagaCount] {
            [
                SagaCount(
                    kind: "k",
                    phase: "p",
                    pending: 9,
                    stuck: stuck,
                    example: nil,
                    lastError: nil
                )
            ]
        }
        var alarm = StuckAlarm()
        func told(_ stuck: Int) -> Bool {
            let told = alarm.tell(count(stuck))
            return !told.isEmpty
        }
        #expect(
            [told(0), told(1), told(1), told(2), told(1), told(0), told(1)] == [
                false, true, false, true, true, false, true,
            ]
        )
        let later = (0..<StuckAlarm.silence).map { _ in told(1) }
        #expect(later.count { $0 } == 1 && later.last == true)
    }
}
