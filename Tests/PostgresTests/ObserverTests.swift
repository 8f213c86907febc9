import PostgresHarness
import Reactor
import Synchronization
import Testing

@testable import Postgres

/// What whoever measures a database is told.
@Suite struct ObserverTests {
    private final class Calls: Sendable {
        private let seen = Mutex<[DatabaseCall]>([])
        func note(_ call: DatabaseCall) { seen.withLock { $0.append(call) } }
        var all: [DatabaseCall] { seen.withLock { $0 } }
    }

    private struct Explode: Statement {
        static let sql = "SELECT 1 / $1::bigint"
        let by: Int64
        func bind(_ parameters: inout Parameters) { parameters.append(by) }
        static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
    }

    private func observed(
        _ body: @escaping @Sendable (Database) async throws -> Void
    ) async throws -> [DatabaseCall] {
        let calls = Calls()
        try await withDatabase(observe: { calls.note($0) }) { try await body($0) }
        return calls.all
    }

    @Test func `a call names its statements and never their values`() async throws {
        let calls = try await observed { database in
            _ = try await database.one(Explode(by: 1))
            _ = try await database.pipeline(Explode(by: 7), Ping())
        }
        #expect(calls.map { $0.types.map { "\($0)" } } == [["Explode"], ["Explode", "Ping"]])
        #expect(calls.allSatisfy { $0.error == nil && !$0.isShared })
    }

    @Test func `a failed call says so, with the state and without the message`() async throws {
        let calls = try await observed { database in
            _ = try? await database.one(Explode(by: 0))
        }
        let error = try #require(calls.first?.error)
        #expect(error.summary == "SQLSTATE 22012")
    }

    @Test func `a transaction tells its statements and its commit`() async throws {
        let calls = try await observed { database in
            try await database.transaction { tx throws(DatabaseError) in
                _ = try await tx.one(Explode(by: 1))
            }
        }
        #expect(calls.map { $0.types.map { "\($0)" } } == [["Explode"], []])
    }

    @Test func `who shares a commit is told of its own statements`() async throws {
        let calls = try await observed { database in
            let commits = GroupCommit(database)
            try await commits([Ping(), Explode(by: 3)])
        }
        let shared = calls.filter(\.isShared)
        #expect(shared.map { $0.types.map { "\($0)" } } == [["Ping", "Explode"]])
        #expect(calls.count == 2, "the round trip itself, and the caller's wait for it")
    }

    @Test func `connections in use are counted`() async throws {
        try await withDatabase { database in
            _ = try await database.one(Ping())
            let idle = await database.use()
            #expect((1...2).contains(idle.open) && idle.leased == 0 && idle.limit == 4)
            try await database.transaction { tx throws(DatabaseError) in
                _ = try await tx.one(Ping())
                let use = await database.use()
                #expect(use.leased == 1)
            }
        }
    }
}
