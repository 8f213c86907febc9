import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Testing

/// Stands for a service's own error type.
private enum ShopError: DatabaseFailure, Equatable {
    case refused
    case database(DatabaseError)
    init(_ error: DatabaseError) { self = .database(error) }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.wrappingAdd(1, ordering: .relaxed) }
}

@Suite struct TransactionTests {
    @Test func `a transaction commits what its closure did and returns its value`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let balance = try await database.transaction { tx throws(DatabaseError) in
                try await tx.run(InsertAccount(id: 1, balance: 5))
                try await tx.run(InsertAccount(id: 2, balance: 5), AddToAccount(id: 2, amount: 1))
                let (_, found) = try await tx.pipeline(
                    AddToAccount(id: 1, amount: 4),
                    FindBalance(id: 1)
                )
                return found.first
            }
            #expect(balance == 9)
            #expect(try await database.one(CountAccounts())?.total == 15)
        }
    }

    @Test func `what is left for later goes before what is answered, and with the commit`()
        async throws
    {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let found = try await database.transaction { tx throws(DatabaseError) in
                for id in 1...3 { try await tx.add(InsertAccount(id: id, balance: id)) }
                try await tx.add(AddToAccount(id: 3, amount: 10))
                let found = try await tx.one(FindBalance(id: 3))
                try await tx.add(InsertAccount(id: 4, balance: 4))
                return found
            }
            #expect(found == 13)
            #expect(try await database.one(CountAccounts())?.total == 20)
            let violation = DatabaseError.constraint(name: "accounts_id", kind: .unique)
            await #expect(throws: violation) { () async throws in
                try await database.transaction { tx throws(DatabaseError) in
                    try await tx.add(InsertAccount(id: 5, balance: 5))
                    try await tx.add(InsertAccount(id: 4, balance: 4))
                }
            }
            #expect(try await database.one(CountAccounts())?.count == 4)
        }
    }

    @Test func `a closure that throws its own error leaves nothing behind`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let store = Store<ShopError>(database)
            await #expect(throws: ShopError.refused) {
                try await store.transaction { tx throws(ShopError) in
                    try await tx.run(InsertAccount(id: 1, balance: 5))
                    guard try await tx.one(FindBalance(id: 1)) == 6 else { throw ShopError.refused }
                }
            }
            #expect(try await database.one(CountAccounts())?.count == 0)
        }
    }

    /// How many transactions are open in this database and do nothing.
    private struct IdleTransactions: Statement {
        static let sql = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle in transaction'
            """
        func bind(_: inout Parameters) {}
        static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
    }

    @Test func `one whose time is over before its commit leaves nothing behind, nor itself open`()
        async throws
    {
        let timeout = Duration.milliseconds(400)
        try await withDatabase(migrations: [.accounts], timeout: timeout) { database async throws in
            await #expect(throws: DatabaseError.timedOut) { () async throws in
                try await database.transaction { tx throws(DatabaseError) in
                    // Never idle for so long that the server ends it by itself.
                    for id in 1...3 {
                        try await tx.run(InsertAccount(id: id, balance: 5))
                        try? await EventLoop.sleep(for: .milliseconds(180))
                    }
                }
            }
            // Sooner than the server would end it.
            let end = Deadline.after(.milliseconds(300))
            var open = try await database.one(IdleTransactions())
            while open != 0, !end.hasPassed {
                try await EventLoop.sleep(for: .milliseconds(20))
                open = try await database.one(IdleTransactions())
            }
            #expect(open == 0)
            #expect(try await database.one(CountAccounts())?.count == 0)
        }
    }

    @Test func `a swallowed error still refuses the commit`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let violation = DatabaseError.constraint(name: "accounts_id", kind: .unique)
            await #expect(throws: ShopError.database(violation)) {
                try await database.transaction { tx throws(ShopError) in
                    try await tx.run(InsertAccount(id: 1, balance: 5))
                    _ = try? await tx.run(InsertAccount(id: 1, balance: 5))
                }
            }
            #expect(try await database.one(CountAccounts())?.count == 0)
        }
    }

    @Test func `a constraint that the commit checks fails the transaction`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            await #expect(
                throws: DatabaseError.constraint(name: "transfers_account", kind: .foreignKey)
            ) {
                try await database.transaction { tx throws(DatabaseError) in
                    try await tx.run(InsertTransfer(account: 9))
                }
            }
        }
    }

    @Test func `a deadlock is retried until both transactions are through`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            try await database.run([
                InsertAccount(id: 1, balance: 0), InsertAccount(id: 2, balance: 0),
            ])
            let attempts = Counter()
            let locked = Counter()
            @Sendable func cross(_ first: Int, _ second: Int) async throws {
                try await database.transaction { tx throws(DatabaseError) in
                    attempts.increment()
                    _ = try await tx.run(AddToAccount(id: first, amount: 1))
                    locked.increment()
                    // Both hold their first row before either asks for its second.
                    while locked.value < 2 {
                        try? await EventLoop.sleep(for: .milliseconds(1))
                    }
                    _ = try await tx.run(AddToAccount(id: second, amount: 1))
                }
            }
            let loop = EventLoop.required
            let one = Task(executorPreference: loop) { try await cross(1, 2) }
            let two = Task(executorPreference: loop) { try await cross(2, 1) }
            try await one.value
            try await two.value
            #expect(attempts.value >= 3)
            #expect(try await database.one(CountAccounts())?.total == 4)
        }
    }

    @Test func `serialization failures are retried and no update is lost`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            try await database.run(InsertAccount(id: 1, balance: 0))
            let attempts = Counter()
            let haveRead = Counter()
            @Sendable func increment() async throws {
                try await database.transaction(isolation: .serializable, retries: 5) {
                    tx throws(DatabaseError) in
                    attempts.increment()
                    _ = try await tx.one(FindBalance(id: 1))
                    haveRead.increment()
                    while haveRead.value < 2 {
                        try? await EventLoop.sleep(for: .milliseconds(1))
                    }
                    _ = try await tx.run(AddToAccount(id: 1, amount: 1))
                }
            }
            let loop = EventLoop.required
            let one = Task(executorPreference: loop) { try await increment() }
            let two = Task(executorPreference: loop) { try await increment() }
            try await one.value
            try await two.value
            #expect(attempts.value >= 3)
            #expect(try await database.one(FindBalance(id: 1)) == 2)
        }
    }

    @Test func `retries are bounded`() async throws {
        struct Conflict: Statement {
            static let sql = "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"
        }
        try await withDatabase { database async throws in
            let attempts = Counter()
            await #expect(throws: DatabaseError.serialization) {
                try await database.transaction(retries: 2) { tx throws(DatabaseError) in
                    attempts.increment()
                    try await tx.run(Conflict())
                }
            }
            #expect(attempts.value == 3)
        }
    }

    @Test func `many transactions wait for the few connections`() async throws {
        try await withDatabase(migrations: [.accounts], maxConnectionsPerLoop: 3) {
            database async throws in
            try await database.run(InsertAccount(id: 1, balance: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { () async throws in
                        try await database.transaction { tx throws(DatabaseError) in
                            _ = try await tx.one(FindBalance(id: 1))
                            _ = try await tx.run(AddToAccount(id: 1, amount: 1))
                        }
                    }
                    group.addTask { _ = try await database.run(AddToAccount(id: 1, amount: 1)) }
                }
                try await group.waitForAll()
            }
            #expect(try await database.one(FindBalance(id: 1)) == 100)
        }
    }

    @Test func `a cancelled transaction rolls back and its connection serves again`() async throws {
        try await withDatabase(migrations: [.accounts], maxConnectionsPerLoop: 2) {
            database async throws in
            let task = Task(executorPreference: EventLoop.required) { () async throws in
                try await database.transaction { tx throws(DatabaseError) in
                    try await tx.run(InsertAccount(id: 1, balance: 1))
                    try await tx.run(Sleep(seconds: 30))
                }
            }
            try await EventLoop.sleep(for: .milliseconds(100))
            task.cancel()
            await #expect(throws: DatabaseError.cancelled) { try await task.value }
            let started = Deadline.now
            try await database.transaction { tx throws(DatabaseError) in
                try await tx.run(InsertAccount(id: 1, balance: 2))
            }
            // The lock of the first one would have lasted for 30 seconds.
            #expect(Deadline.now < started.advanced(by: .seconds(10)))
            #expect(try await database.one(FindBalance(id: 1)) == 2)
        }
    }

    @Test func `a commit whose answer does not come in time has an unknown outcome`() async throws {
        let slowCommit = Migration(
            name: "v0002_slow_commit",
            sql: """
                CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
                CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON accounts
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle();
                """
        )
        try await withDatabase(migrations: [.accounts, slowCommit]) { database async throws in
            try await database.ping()
            await #expect(throws: DatabaseError.outcomeUnknown) {
                try await Deadline.$current.withValue(.after(.milliseconds(300))) {
                    try await database.transaction { tx throws(DatabaseError) in
                        try await tx.run(InsertAccount(id: 1, balance: 1))
                    }
                }
            }
            #expect(try await database.one(Echo(value: 1)) == 1)
        }
    }

    @Test func `a transaction works from outside the loops`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            try await Task.detached { () async throws in
                #expect(EventLoop.current == nil)
                try await database.transaction { tx throws(DatabaseError) in
                    try await tx.run(InsertAccount(id: 1, balance: 3))
                }
                #expect(try await database.one(FindBalance(id: 1)) == 3)
            }.value
        }
    }
}
