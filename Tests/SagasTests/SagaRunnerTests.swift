import FoundationEssentials
import Postgres
import Reactor
import Synchronization
import Testing

@testable import Sagas

@Suite struct SagaRunnerTests {
    private static let declined = Refusal(reason: "declined", detail: #"{"why":"poor"}"#)

    @Test func `a smooth saga commits once and leaves its history`() async throws {
        try await Rehearsal.run { stage in
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(try await stage.notes(id) == ["confirmed"])
                #expect(try await stage.waitForEnd(id))
                #expect(stage.script.calls == ["one", "two"])
                let log = try await stage.database.all(FindSagaLog(id: id)).flatMap(\.self)
                #expect(log.map(\.step) == ["one", "two", "pivot"])
                #expect(log.allSatisfy { $0.driver == "a" && $0.epoch == 1 && $0.attempt == 1 })
            }
        }
    }

    @Test func `a refusal is told before it is undone, and everything attempted is undone`()
        async throws
    {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .refused(Self.declined))
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .refused(Self.declined))
                #expect(try await stage.notes(id) == ["rejected declined"])
                #expect(try await stage.waitForEnd(id))
                #expect(stage.script.calls == ["one", "two", "undo two", "undo one"])
            }
        }
    }

    @Test func `no answer is asked for again until there is one`() async throws {
        try await Rehearsal.run { stage in
            stage.script.answer("one", .unknown("lost"), .unknown("lost"), .done)
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                #expect(stage.script.calls == ["one", "one", "one", "two"])
                let log = try await stage.database.all(FindSagaLog(id: id)).flatMap(\.self)
                #expect(
                    log.filter { $0.step == "one" }.map(\.outcome) == [
                        "unknown", "unknown", "done",
                    ]
                )
            }
        }
    }

    @Test func `a saga that gets no answer by its deadline is rejected and undone`() async throws {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .unknown("dead"))
            let lost = Array(repeating: StepOutcome.unknown("dead"), count: 1000)
            stage.script.state.withLock { $0.answers["two"] = lost }
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(8))) == .refused(.timedOut))
                #expect(try await stage.waitForEnd(id))
                #expect(try await stage.notes(id) == ["rejected timed-out"])
                #expect(stage.script.calls.suffix(2) == ["undo two", "undo one"])
            }
        }
    }

    @Test func `an undo without an answer is parked and taken up again until it is done`()
        async throws
    {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .refused(Self.declined))
            stage.script.answer("undo two", .unknown("dead"), .unknown("dead"), .unknown("dead"))
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let (id, _) = try await stage.launch(runner)
                #expect(try await stage.waitForEnd(id))
                let calls = stage.script.calls
                #expect(calls.prefix(4) == ["one", "two", "undo two", "undo one"])
                #expect(calls.filter { $0 == "undo two" }.count == 4)
                #expect(try await stage.notes(id) == ["rejected declined"])
            }
        }
    }

    @Test
    func `another replica takes over when the lease lapses, and the paused one commits nothing`()
        async throws
    {
        try await Rehearsal.run { stage in
            let first = stage.runner("a", lease: .milliseconds(300))
            let second = stage.runner("b")
            let gate = stage.script.hold("two")
            try await stage.with([first]) { () async throws in
                let (id, outcome) = try await stage.launch(first)
                while !stage.script.calls.contains("two") {
                    try await EventLoop.sleep(for: .milliseconds(5))
                }
                try await EventLoop.sleep(for: .milliseconds(400))
                try await stage.with([second]) { () async throws in
                    #expect(try await stage.waitForEnd(id))
                    #expect(try await stage.notes(id) == ["confirmed"])
                }
                gate.resolve(true)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .handedOver)
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test func `a paused replica commits nothing while another one is under way with its saga`()
        async throws
    {
        try await Rehearsal.run { stage in
            let first = stage.runner("a", lease: .milliseconds(300))
            let second = stage.runner("b")
            let paused = stage.script.hold("two")
            try await stage.with([first]) { () async throws in
                let (id, outcome) = try await stage.launch(first)
                #expect(try await stage.hasAsked("two", times: 1))
                let underWay = stage.script.hold("two")
                try await EventLoop.sleep(for: .milliseconds(400))
                try await stage.with([second]) { () async throws in
                    #expect(try await stage.hasAsked("two", times: 2))
                    // Both are in the same phase: nothing but the epoch tells them apart.
                    paused.resolve(true)
                    #expect(await outcome.wait(until: .after(.seconds(5))) == .handedOver)
                    #expect(try await stage.notes(id) == [])
                    underWay.resolve(true)
                    #expect(try await stage.waitForEnd(id))
                }
                #expect(try await stage.notes(id) == ["confirmed"])
            }
        }
    }

    @Test(arguments: [false, true])
    func `a paused replica that is not fenced commits what another one has committed`(
        isUnderWay: Bool
    ) async throws {
        try await Rehearsal.run { stage in
            let first = stage.runner("a", lease: .milliseconds(300), isFenced: false)
            let second = stage.runner("b", isFenced: false)
            let paused = stage.script.hold("two")
            try await stage.with([first]) { () async throws in
                let (id, outcome) = try await stage.launch(first)
                #expect(try await stage.hasAsked("two", times: 1))
                let other = isUnderWay ? stage.script.hold("two") : nil
                try await EventLoop.sleep(for: .milliseconds(400))
                try await stage.with([second]) { () async throws in
                    #expect(try await stage.hasAsked("two", times: 2))
                    if !isUnderWay { #expect(try await stage.waitForEnd(id)) }
                    paused.resolve(true)
                    #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                    other?.resolve(true)
                    for _ in 0..<400 {
                        if try await stage.notes(id).count == 2 { break }
                        try await EventLoop.sleep(for: .milliseconds(5))
                    }
                }
                #expect(try await stage.notes(id) == ["confirmed", "confirmed"])
                #expect(try await stage.waitForEnd(id))
            }
        }
    }

    @Test func `without a fence a refusal is still undone and ended`() async throws {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .refused(Self.declined))
            let runner = stage.runner("a", isFenced: false)
            try await stage.with([runner]) { () async throws in
                let (id, outcome) = try await stage.launch(runner)
                #expect(await outcome.wait(until: .after(.seconds(5))) == .refused(Self.declined))
                #expect(try await stage.waitForEnd(id))
                #expect(stage.script.calls == ["one", "two", "undo two", "undo one"])
            }
        }
    }

    @Test func `a restarted replica takes its own sagas back before their lease lapses`()
        async throws
    {
        try await Rehearsal.run { stage in
            let dead = stage.runner("a", lease: .seconds(60))
            // Stored, and then the process died before it did anything.
            let (id, outcome) = try await stage.launch(dead)
            _ = outcome
            let start = Deadline.now
            try await stage.with([stage.runner("a", lease: .seconds(60))]) { () async throws in
                #expect(try await stage.waitForEnd(id))
            }
            #expect(Deadline.now < start.advanced(by: .seconds(10)))
            #expect(try await stage.notes(id) == ["confirmed"])
        }
    }

    @Test func `a replica that stops gives its leases back`() async throws {
        try await Rehearsal.run { stage in
            let first = stage.runner("a", lease: .seconds(60))
            stage.script.state.withLock {
                $0.answers["one"] = Array(repeating: .unknown("dead"), count: 6)
            }
            var id: UUID?
            try await stage.with([first]) { () async throws in
                let (launched, _) = try await stage.launch(first)
                id = launched
                while stage.script.calls.count < 2 {
                    try await EventLoop.sleep(for: .milliseconds(5))
                }
            }
            try await stage.with([stage.runner("b")]) { () async throws in
                #expect(try await stage.waitForEnd(try #require(id)))
            }
            #expect(try await stage.notes(try #require(id)) == ["confirmed"])
        }
    }

    @Test func `many sagas on two replicas each commit exactly once`() async throws {
        try await Rehearsal.run { stage in
            let runners = [
                stage.runner("a", lease: .milliseconds(40)),
                stage.runner("b", lease: .milliseconds(40)),
            ]
            try await stage.with(runners) { () async throws in
                var ids: [UUID] = []
                for number in 0..<60 {
                    let (id, _) = try await stage.launch(runners[number % 2])
                    ids.append(id)
                }
                for id in ids {
                    #expect(try await stage.waitForEnd(id))
                    #expect(try await stage.notes(id).count == 1)
                }
            }
        }
    }
}
