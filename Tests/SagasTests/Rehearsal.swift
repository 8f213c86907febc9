import FoundationEssentials
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Telemetry

@testable import Sagas

/// What a saga of the tests is about: its id, nothing else.
struct Part: Sendable, Equatable {
    let id: UUID
}

/// What the participants of a test were asked, and how they answer.
final class Script: Sendable {
    struct State {
        var calls: [String] = []
        var traces: [String] = []
        var answers: [String: [StepOutcome]] = [:]
        var holds: [String: OneShot<Bool>] = [:]
        var troubles: [Trouble] = []
        var late: SagaCommit?
    }

    /// What happens to a commit of the saga's course.
    enum Trouble {
        /// Nothing is committed, and nobody knows.
        case lost
        /// It is committed, and nobody knows.
        case answerLost
        /// Nobody knows, and it is `late`: whoever calls that lets it arrive.
        case underWay
        /// It is sent once this is resolved.
        case held(OneShot<Bool>)
    }

    let state = Mutex(State())

    /// The calls so far, in order.
    var calls: [String] { state.withLock { $0.calls } }

    /// The trace that each call belonged to, where there was one.
    var traces: [String] { state.withLock { $0.traces } }

    /// Lets a step answer these in turn; afterwards it is done.
    func answer(_ step: String, _ answers: StepOutcome...) {
        state.withLock { $0.answers[step] = answers }
    }

    /// Makes the next call of a step wait for the returned one-shot.
    func hold(_ step: String) -> OneShot<Bool> {
        let gate = OneShot<Bool>()
        state.withLock { $0.holds[step] = gate }
        return gate
    }

    /// Lets the next commits meet these in turn; afterwards all is well.
    func trouble(_ troubles: Trouble...) { state.withLock { $0.troubles = troubles } }

    /// The commit that is still under way.
    var late: SagaCommit? { state.withLock { $0.late } }

    func commit(_ note: Note, _ commit: SagaCommit) async throws(DatabaseError) {
        let trouble = state.withLock { state -> Trouble? in
            guard !state.troubles.isEmpty else { return nil }
            let next = state.troubles.removeFirst()
            if case .underWay = next { state.late = commit }
            return next
        }
        switch trouble {
        case .lost, .underWay: throw .outcomeUnknown
        case .answerLost:
            try await commit(note)
            throw .outcomeUnknown
        case .held(let gate):
            _ = await gate.wait(until: .after(.seconds(20)))
            try await commit(note)
        case nil: try await commit(note)
        }
    }

    func perform(_ step: String) async -> StepOutcome {
        let (gate, answer) = state.withLock { state -> (OneShot<Bool>?, StepOutcome) in
            state.calls.append(step)
            if let trace = TraceContext.current { state.traces.append(trace.traceID) }
            let gate = state.holds.removeValue(forKey: step)
            var answers = state.answers[step] ?? []
            let answer = answers.isEmpty ? StepOutcome.done : answers.removeFirst()
            state.answers[step] = answers
            return (gate, answer)
        }
        // Not cancellable, like a call whose reply is on its way.
        if let gate {
            _ = await Task(executorPreference: EventLoop.required) {
                await gate.wait(until: .after(.seconds(20)))
            }.value
        }
        return answer
    }
}

/// Counts what was committed, in a table of the test's own.
struct Note: Statement {
    static let sql = "INSERT INTO notes (saga_id, note) VALUES ($1, $2)"
    let id: UUID
    let note: String
    func bind(_ parameters: inout Parameters) { parameters.append(id, note) }
}

struct Notes: Statement {
    static let sql = "SELECT note FROM notes WHERE saga_id = $1 ORDER BY note"
    let id: UUID
    func bind(_ parameters: inout Parameters) { parameters.append(id) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}

/// A database with the saga tables, and replicas that drive sagas in it.
struct Rehearsal: Sendable {
    let database: Database
    let script = Script()

    static var migrations: [Migration] {
        SagaMigrations.all
            + [Migration(name: "notes", sql: "CREATE TABLE notes (saga_id uuid, note text)")]
    }

    static func run(_ body: @escaping @Sendable (Rehearsal) async throws -> Void) async throws {
        try await withDatabase(migrations: migrations) {
            database async throws in
            try await body(Rehearsal(database: database))
        }
    }

    var saga: Saga<Part> { saga(within: .seconds(3)) }

    private func saga(within deadline: Duration) -> Saga<Part> {
        Saga(
            "rehearsal",
            deadline: deadline,
            reject: { part, refusal, commit throws(DatabaseError) in
                try await script.commit(
                    Note(id: part.id, note: "rejected \(refusal.reason)"),
                    commit
                )
            }
        ) {
            Step(
                "one",
                do: { (_: Part) in await script.perform("one") },
                undo: { (_: Part) in await undo("one") }
            )
            Step(
                "two",
                do: { (_: Part) in await script.perform("two") },
                undo: { (_: Part) in await undo("two") }
            )
            Pivot("pivot") { (part: Part, commit) throws(DatabaseError) in
                try await script.commit(Note(id: part.id, note: "confirmed"), commit)
            }
        }
    }

    /// Waits until a step was asked for so many times, at most two seconds.
    func hasAsked(_ step: String, times: Int) async throws -> Bool {
        for _ in 0..<400 {
            if script.calls.count(where: { $0 == step }) >= times { return true }
            try await EventLoop.sleep(for: .milliseconds(5))
        }
        return false
    }

    private func undo(_ step: String) async -> UndoOutcome {
        switch await script.perform("undo \(step)") {
        case .done: .done
        case .refused(let refusal): .unknown(refusal.reason)
        case .unknown(let reason): .unknown(reason)
        }
    }

    /// A saga that begins decided.
    var farewell: Saga<Part> {
        Saga(
            "farewell",
            finished: { part, commit throws(DatabaseError) in
                try await script.commit(Note(id: part.id, note: "gone"), commit)
            }
        ) {
            Decision("leave")
            Retry("bow", do: { (_: Part) in await undo("bow") })
        }
    }

    func runner(
        _ name: String,
        lease: Duration = .seconds(8),
        of saga: Saga<Part>? = nil,
        pause: Duration = .milliseconds(5),
        deadline: Duration = .seconds(3),
        isAbout: Bool = true,
        isFenced: Bool = true,
        tracer: Tracer? = nil
    ) -> SagaRunner<Part> {
        var policy = SagaPolicy()
        policy.lease = lease
        policy.pollInterval = .milliseconds(30)
        policy.firstPause = pause
        policy.isFenced = isFenced
        if pause > policy.longestParking { policy.longestParking = pause }
        return SagaRunner(
            saga ?? self.saga(within: deadline),
            database: database,
            driver: name,
            policy: policy,
            log: .silent,
            metrics: Metrics(),
            tracer: tracer
        ) { id in isAbout ? Part(id: id) : nil }
    }

    /// Runs the replicas while `body` does its part.
    func with(
        _ runners: [SagaRunner<Part>],
        _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for runner in runners { group.addTask { await runner.run() } }
            try await body()
            group.cancelAll()
        }
    }

    /// Stores a new saga the way a service does, and drives it.
    func launch(_ runner: SagaRunner<Part>) async throws -> (UUID, OneShot<SagaOutcome>) {
        let id = UUID()
        try await database.run(runner.start(id))
        return (id, runner.launch(id, Part(id: id)))
    }

    func notes(_ id: UUID) async throws -> [String] { try await database.all(Notes(id: id)) }

    /// Waits until the saga's row is gone.
    func waitForEnd(_ id: UUID) async throws -> Bool {
        for _ in 0..<400 {
            if try await database.all(FindPendingSagas(id: id)).isEmpty { return true }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
        return false
    }
}
