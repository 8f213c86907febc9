import Reactor
import Testing

@testable import Postgres

@Suite struct ErrorTests {
    @Test(arguments: [
        ("23505", DatabaseError.constraint(name: "c", kind: .unique)),
        ("23503", .constraint(name: "c", kind: .foreignKey)),
        ("23514", .constraint(name: "c", kind: .check)),
        ("23P01", .constraint(name: "c", kind: .exclusion)),
        ("23502", .constraint(name: "t.n", kind: .notNull)),
        ("40001", .serialization), ("40P01", .serialization), ("57014", .timedOut),
        ("57P01", .unavailable("m")), ("57P03", .unavailable("m")), ("53300", .unavailable("m")),
        ("53100", .unavailable("m")), ("08006", .unavailable("m")),
        ("25006", .unavailable("the server is read-only")),
        ("42601", .server(sqlState: "42601", message: "m")),
    ])
    func `each SQLSTATE has one meaning`(sqlState: String, meaning: DatabaseError) {
        let error = ServerError(
            sqlState: sqlState,
            message: "m",
            constraint: "c",
            table: "t",
            column: "n"
        )
        #expect(error.meaning == meaning)
    }

    @Test func `only errors after sending leave the outcome open`() {
        let open: [DatabaseError] = [.timedOut, .cancelled, .outcomeUnknown, .decoding("")]
        let certain: [DatabaseError] = [
            .unavailable(""), .overloaded, .serialization, .constraint(name: "", kind: .check),
            .server(sqlState: "", message: ""),
        ]
        for error in open { #expect(error.isOutcomeUncertain) }
        for error in certain { #expect(!error.isOutcomeUncertain) }
    }

    @Test func `an unreadable URL is nil and a readable one hides its password`() {
        #expect(DatabaseURL("postgres://u:secret@h:5432/x?nonsense=1") == nil)
        let url = DatabaseURL("postgres://u:secret@127.0.0.1:5432/x")
        #expect(url?.redact("bad secret\nfor u") == "bad ***; for u")
    }

    @Test func `only names that need a resolver are resolved`() {
        func names(_ url: String) -> [String]? { DatabaseURL(url)?.unresolvedHosts }
        #expect(names("postgres://u@127.0.0.1/x") == [])
        #expect(names("postgres://u@[::1]/x") == [])
        #expect(names("postgres://u@localhost/x") == [])
        #expect(names("host=/run/postgresql dbname=x") == [])
        #expect(names("postgres://u@db:5432,127.0.0.1:5433/x") == ["db"])
        #expect(names("host=db hostaddr=10.0.0.1") == [])
    }

    @Test func `a name that nobody can look up in time is named, and waited for no longer`()
        async throws
    {
        let url = try #require(DatabaseURL("postgres://u:secret@db.test/x"))
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        await Task(executorPreference: loop) {
            let late = DatabaseError.unavailable(
                "cannot resolve the database's host name db.test in time"
            )
            let deadline = Deadline.after(.milliseconds(50))
            await #expect(throws: late) {
                _ = try await url.resolved(until: deadline) {
                    (_, limit) async throws(SocketError) in
                    // Who sets no deadline fails here, rather than never.
                    try await EventLoop.sleep(until: limit.or(earlier: .after(.seconds(5))))
                    throw limit == deadline ? .timedOut : .unresolved("no deadline")
                }
            }
        }.value
    }

    @Test func `the next migration follows the recorded ones`() throws {
        let wanted = ["a", "b", "c"].map { Migration(name: $0, sql: "") }
        func applied(_ names: String..., unchanged: Bool = true) -> [AppliedMigration] {
            names.map { AppliedMigration(name: $0, isUnchanged: unchanged) }
        }
        #expect(try MigrationPlan.next(of: wanted, after: [])?.name == "a")
        #expect(try MigrationPlan.next(of: wanted, after: applied("a", "b"))?.name == "c")
        #expect(try MigrationPlan.next(of: wanted, after: applied("a", "b", "c")) == nil)
        #expect(try MigrationPlan.next(of: wanted, after: applied("a", "b", "c", "d")) == nil)
        #expect(throws: MigrationError.outOfOrder(expected: "b", found: "c")) {
            try MigrationPlan.next(of: wanted, after: applied("a", "c"))
        }
        #expect(throws: MigrationError.changed(name: "a")) {
            try MigrationPlan.next(of: wanted, after: applied("a", unchanged: false))
        }
    }

    @Test func `a queue keeps its order across reuse of its memory`() {
        var queue = FIFO<Int>()
        var next = 0
        var random = SplitMix(state: 3)
        for number in 0..<5000 {
            queue.append(number)
            if Bool.random(using: &random) {
                #expect(queue.popFirst() == next)
                next += 1
            }
        }
        #expect(queue.elements == Array(next..<5000))
        #expect(queue.remove { $0.isMultiple(of: 2) }.allSatisfy { $0.isMultiple(of: 2) })
        #expect(queue.elements == Array(next..<5000).filter { !$0.isMultiple(of: 2) })
    }
}
