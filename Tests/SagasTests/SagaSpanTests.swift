import FoundationEssentials
import Postgres
import Reactor
import Testing

@testable import Sagas
@testable import Telemetry

/// What a saga leaves in a trace.
@Suite struct SagaSpanTests {
    /// Waits until a drive's span has ended, at most two seconds; all spans of its trace.
    private func spans(_ tracer: Tracer, trace: UInt64? = nil) async throws -> [TraceSpan] {
        for _ in 0..<400 {
            let roots = await tracer.recent(limit: 10)
            if let saga = roots.first(where: { $0.name.text.hasPrefix("saga") }) {
                let all = await tracer.spans(traceHigh: saga.traceHigh, traceLow: saga.traceLow)
                return all.sorted { $0.start < $1.start }
            }
            try await EventLoop.sleep(for: .milliseconds(5))
        }
        return []
    }

    @Test func `each try of a step and each commit is a span below the saga's`() async throws {
        try await Rehearsal.run { stage in
            stage.script.answer("two", .unknown("lost"), .done)
            let tracer = Tracer(loops: [.required])
            let runner = stage.runner("a")
            try await stage.with([runner]) { () async throws in
                let request = tracer.begin(after: nil)
                let (id, outcome) = try await TraceContext.$current.withValue(request.context) {
                    try await stage.launch(runner)
                }
                #expect(await outcome.wait(until: .after(.seconds(5))) == .completed)
                let seen = try await spans(tracer)
                #expect(
                    seen.map(\.name.text) == [
                        "saga rehearsal", "execute one", "execute two", "execute two",
                        "commit pivot",
                    ]
                )
                let saga = try #require(seen.first)
                #expect(saga.parent == request.context.spanID && saga.failure == nil)
                #expect(seen.dropFirst().allSatisfy { $0.parent == saga.id })
                #expect(seen.map(\.failure) == [nil, nil, "lost", nil, nil])
                guard case .saga(id.text, "a", "completed") = saga.detail else {
                    Issue.record("\(saga.detail)")
                    return
                }
                guard case .step("execute", 2, "done") = seen[3].detail else {
                    Issue.record("\(seen[3].detail)")
                    return
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `a saga that is taken over goes on in the trace that it was started in`(
        _ isMerged: Bool
    ) async throws {
        try await Rehearsal.run { stage in
            let tracer = Tracer(loops: [.required])
            let gone = stage.runner("gone", lease: .milliseconds(1))
            let id = UUID()
            let cause = TraceContext.root()
            let start = TraceContext.$current.withValue(cause) { gone.start(id) }
            if isMerged {
                try await stage.database.run(StartSaga.merged([start]))
            } else {
                try await stage.database.run(start)
            }
            try await stage.with([stage.runner("heir", tracer: tracer)]) { () async throws in
                let seen = try await spans(tracer)
                let saga = try #require(seen.first)
                #expect(saga.traceHigh == cause.traceHigh && saga.traceLow == cause.traceLow)
                #expect(saga.parent == cause.spanID)
                guard case .saga(id.text, "heir", "completed") = saga.detail else {
                    Issue.record("\(saga.detail)")
                    return
                }
                #expect(seen.contains { $0.name.text == "commit pivot" })
            }
        }
    }

    @Test func `without a tracer whoever takes a saga over still tells its trace`() async throws {
        try await Rehearsal.run { stage in
            let gone = stage.runner("gone", lease: .milliseconds(1))
            let id = UUID()
            let cause = TraceContext.root()
            try await stage.database.run(
                TraceContext.$current.withValue(cause) { gone.start(id) }
            )
            try await stage.with([stage.runner("heir")]) { () async throws in
                #expect(try await stage.waitForEnd(id))
            }
            #expect(stage.script.traces == [cause.traceID, cause.traceID])
        }
    }

    @Test func `a saga that was started outside of any trace begins one when it is taken over`()
        async throws
    {
        try await Rehearsal.run { stage in
            let tracer = Tracer(loops: [.required])
            let gone = stage.runner("gone", lease: .milliseconds(1))
            try await stage.database.run(gone.start(UUID()))
            try await stage.with([stage.runner("heir", tracer: tracer)]) { () async throws in
                #expect(try await spans(tracer).first?.parent == 0)
            }
        }
    }

    @Test func `a saga that is left without an answer has failed, a refused one has not`()
        async throws
    {
        let saga = ClaimedSaga(
            id: UUID(),
            kind: "rehearsal",
            phase: .running,
            epoch: 1,
            attempts: 0,
            remainingMilliseconds: 1,
            refusal: nil
        )
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        let failures = await Task(executorPreference: loop) {
            let tracer = Tracer(loops: [loop])
            let reports = [
                DriveReport(end: .compensated, lastError: nil),
                DriveReport(end: .compensated, lastError: "two: lost"),
                DriveReport(end: nil, lastError: nil),
                DriveReport(end: .completed, lastError: "two: lost"),
            ]
            for report in reports {
                tracer.begin(after: nil).end(drive: saga, by: "a", report)
            }
            return await tracer.recent(limit: 10).reversed().map(\.failure)
        }.value
        #expect(failures.count == 4)
        #expect(Set(failures) == [nil, "two: lost", "left for later"])
        #expect(failures.count { $0 == nil } == 2)
    }
}
