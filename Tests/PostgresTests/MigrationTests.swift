import Postgres
import PostgresHarness
import Reactor
import Testing

@Suite struct MigrationTests {
    private static let steps: [Migration] = [
        .accounts,
        Migration(
            name: "v0002_slow",
            sql: "SELECT pg_sleep(0.1); CREATE TABLE second (id bigint);"
        ),
        Migration(name: "v0003_seed", sql: "INSERT INTO accounts VALUES (1, 10), (2, 20);"),
    ]

    @Test func `four processes that race migrate once`() async throws {
        let url = try await PostgresServer.shared().freshDatabase()
        let group = try EventLoopGroup(count: 2)
        try await withThrowingTaskGroup(of: Void.self) { racers in
            for _ in 0..<4 {
                racers.addTask(executorPreference: group.next()) { () async throws in
                    let database = try Database(url: url, loops: group.loops)
                    try await database.migrate(Self.steps)
                    #expect(try await database.one(CountAccounts())?.total == 30)
                    database.close()
                }
            }
            try await racers.waitForAll()
        }
        group.shutdown()
    }

    @Test func `a script may take longer than a statement`() async throws {
        let slow = Migration(name: "v0001_slow", sql: "SELECT pg_sleep(0.4); SELECT pg_sleep(0.4);")
        try await withDatabase(migrations: [slow], timeout: .milliseconds(200)) {
            database async throws in
            try await database.migrate([slow])
        }
    }

    @Test func `an edited script is refused`() async throws {
        try await withDatabase(migrations: Self.steps) { database async throws in
            var edited = Self.steps
            edited[1] = Migration(name: "v0002_slow", sql: "CREATE TABLE second (id text);")
            await #expect(throws: MigrationError.changed(name: "v0002_slow")) {
                try await database.migrate(edited)
            }
        }
    }

    @Test func `a failing script leaves no trace and the next try goes on`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let broken = Migration(
                name: "v0002_more",
                sql: "INSERT INTO accounts VALUES (1, 1); CREATE TABLE broken (;"
            )
            let error = await #expect(throws: MigrationError.self) {
                try await database.migrate([.accounts, broken])
            }
            guard case .failed("v0002_more"?, .server("42601", _))? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await database.one(CountAccounts())?.count == 0)
            try await database.migrate([.accounts, Migration(name: "v0002_more", sql: "SELECT 1")])
        }
    }

    @Test func `a script whose connection is lost fails instead of waiting for ever`() async throws
    {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let suicide = Migration(
                name: "v0002_lost",
                sql: "SELECT pg_terminate_backend(pg_backend_pid());"
            )
            let outcome = OneShot<Bool>()
            let task = Task(executorPreference: EventLoop.required) {
                do throws(MigrationError) {
                    try await database.migrate([.accounts, suicide])
                    outcome.resolve(false)
                } catch {
                    outcome.resolve(true)
                }
            }
            // Watched from outside: a wait for an answer that cannot come does not end by itself.
            #expect(await outcome.wait(until: .after(.seconds(10))) == true)
            task.cancel()
            try await database.ping()
        }
    }

    @Test func `an older release leaves newer records alone`() async throws {
        try await withDatabase(migrations: Self.steps) { database async throws in
            try await database.migrate([.accounts])
        }
    }
}
