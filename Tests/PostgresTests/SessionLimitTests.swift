import Postgres
import PostgresHarness
import Reactor
import Testing

/// The limits that the server keeps for a session of ours, whatever becomes of the client.
@Suite struct SessionLimitTests {
    private struct Limits: Statement {
        static let sql = """
            SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),
                current_setting('idle_in_transaction_session_timeout')
            """
        static func decode(_ row: borrowing Row) throws(DatabaseError) -> [String] {
            [try row[0], try row[1], try row[2]]
        }
    }

    /// Two databases that are one: the sessions of `strict` have these settings, and no client of
    /// theirs gives up before the server does.
    private func with(
        _ settings: [String: String],
        _ body: @escaping @Sendable (_ strict: Database, _ other: Database) async throws -> Void
    ) async throws {
        let url = try await PostgresServer.shared().freshDatabase()
        let group = try EventLoopGroup(count: 1)
        let strict = try Database(
            url: url,
            loops: group.loops,
            timeout: .seconds(20),
            settings: settings
        )
        let other = try Database(url: url, loops: group.loops, timeout: .seconds(20))
        let result = await Task(executorPreference: group.loops[0]) {
            try await other.migrate([.accounts])
            try await other.run(InsertAccount(id: 1, balance: 1))
            try await body(strict, other)
        }.result
        strict.close()
        other.close()
        group.shutdown()
        try result.get()
    }

    @Test func `a session waits, works and is silent for no longer than is said`() async throws {
        try await withDatabase { database async throws in
            #expect(try await database.one(Limits()) == ["4s", "5s", "10s"])
        }
    }

    @Test func `the server ends the wait for a lock, and nothing is done`() async throws {
        try await with(["lock_timeout": "200"]) { strict, other async throws in
            try await other.transaction { tx throws(DatabaseError) in
                _ = try await tx.one(AddToAccount(id: 1, amount: 1))
                let refused: DatabaseError?
                do throws(DatabaseError) {
                    _ = try await strict.one(AddToAccount(id: 1, amount: 10))
                    refused = nil
                } catch {
                    refused = error
                }
                #expect(refused == .overloaded)
            }
            #expect(try await other.one(FindBalance(id: 1)) == 2)
        }
    }

    @Test func `the server ends a statement that takes too long`() async throws {
        try await with(["statement_timeout": "200"]) { strict, _ async throws in
            await #expect(throws: DatabaseError.timedOut) {
                try await strict.run(Sleep(seconds: 10))
            }
        }
    }

    @Test func `the server frees what a transaction holds that has fallen silent`() async throws {
        try await with(["idle_in_transaction_session_timeout": "200"]) {
            strict,
            other async throws in
            let holds = OneShot<Bool>()
            let mayGoOn = OneShot<Bool>()
            let silent = Task(executorPreference: EventLoop.required) { () async throws in
                try await strict.transaction { tx throws(DatabaseError) in
                    _ = try await tx.one(AddToAccount(id: 1, amount: 10))
                    holds.resolve(true)
                    _ = await mayGoOn.wait(until: .after(.seconds(15)))
                    _ = try await tx.one(AddToAccount(id: 1, amount: 10))
                }
            }
            _ = await holds.wait(until: .after(.seconds(15)))
            // Its owner still has it open, and the row is free all the same.
            #expect(try await other.one(AddToAccount(id: 1, amount: 1)) == 2)
            mayGoOn.resolve(true)
            await #expect(throws: DatabaseError.self) { try await silent.value }
            #expect(try await other.one(FindBalance(id: 1)) == 2)
        }
    }
}
