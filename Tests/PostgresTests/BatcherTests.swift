import PostgresHarness
import Reactor
import Synchronization
import Testing

@testable import Postgres

/// Adds to many accounts at once, for `GroupCommit`.
extension InsertAccount: MergeableStatement {
    struct Merged: Statement {
        static let sql = """
            INSERT INTO accounts (id, balance_cents) SELECT * FROM unnest($1::bigint[], $2::bigint[])
            """
        let rows: [InsertAccount]
        func bind(_ parameters: inout Parameters) {
            parameters.append(rows.map(\.id), rows.map(\.balance))
        }
    }

    static func merged(_ statements: [InsertAccount]) -> Merged { Merged(rows: statements) }
}

/// How many transactions wrote the accounts.
private struct CountWriters: Statement {
    static let sql = "SELECT count(DISTINCT xmin::text) FROM accounts"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

/// What a batcher was given, batch by batch.
private final class Batches: Sendable {
    private let seen = Mutex<[[Int]]>([])
    var all: [[Int]] { seen.withLock { $0 } }
    func note(_ batch: [Int]) { seen.withLock { $0.append(batch) } }
}

@Suite struct BatcherTests {
    private typealias Doubler = Batcher<Int, Int, Int>

    /// Runs `count` callers at the same time and gives what each was told.
    private func callers(
        _ count: Int,
        _ call: @escaping @Sendable (Int) async throws(DatabaseError) -> Int
    ) async -> [Result<Int, DatabaseError>] {
        await withTaskGroup(of: (Int, Result<Int, DatabaseError>).self) { group in
            for number in 0..<count {
                group.addTask {
                    do throws(DatabaseError) {
                        return (number, .success(try await call(number)))
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            var told: [Int: Result<Int, DatabaseError>] = [:]
            for await (number, result) in group { told[number] = result }
            return (0..<count).compactMap { told[$0] }
        }
    }

    @Test func `who comes while a batch is on its way goes with the next one`() async throws {
        try await withDatabase { database async throws in
            let (batches, gate) = (Batches(), OneShot<Void>())
            let doubler = Doubler(database, maxItems: 4) { items throws(DatabaseError) in
                batches.note(items)
                if items == [100] { _ = await gate.wait(until: .after(.seconds(10))) }
                return items.map { 2 * $0 }
            }
            async let first = doubler.submit(100, key: nil)
            while batches.all.isEmpty { try await EventLoop.sleep(for: .milliseconds(1)) }
            async let others = callers(6) { n throws(DatabaseError) in
                try await doubler.submit(n, key: nil)
            }
            try await EventLoop.sleep(for: .milliseconds(50))
            gate.resolve(())
            #expect(try await first == 200)
            #expect(await others == (0..<6).map { .success(2 * $0) })
            #expect(batches.all.map(\.count) == [1, 4, 2])
        }
    }

    @Test func `where batches overlap, nobody waits behind a stuck one`() async throws {
        try await withDatabase { database async throws in
            let (batches, gate) = (Batches(), OneShot<Void>())
            let doubler = Doubler(database, overlaps: true) { items throws(DatabaseError) in
                batches.note(items)
                if items == [100] { _ = await gate.wait(until: .after(.seconds(10))) }
                return items.map { 2 * $0 }
            }
            async let first = doubler.submit(100, key: nil)
            while batches.all.isEmpty { try await EventLoop.sleep(for: .milliseconds(1)) }
            let others = await callers(6) { n throws(DatabaseError) in
                try await doubler.submit(n, key: nil)
            }
            #expect(others == (0..<6).map { .success(2 * $0) })
            gate.resolve(())
            #expect(try await first == 200)
        }
    }

    @Test func `items with the same key are never in one batch`() async throws {
        try await withDatabase { database async throws in
            let batches = Batches()
            let doubler = Doubler(database) { items throws(DatabaseError) in
                batches.note(items)
                return items
            }
            let told = await callers(12) { n throws(DatabaseError) in
                try await doubler.submit(n, key: n % 3)
            }
            #expect(told == (0..<12).map { .success($0) })
            for batch in batches.all { #expect(Set(batch.map { $0 % 3 }).count == batch.count) }
        }
    }

    @Test func `a bad item fails alone`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let commits = GroupCommit(database)
            let told = await callers(20) { n throws(DatabaseError) in
                // Accounts 3 and 7 are the same one, and 12 is overdrawn.
                let row = InsertAccount(id: n == 7 ? 3 : n, balance: n == 12 ? -1 : n)
                try await commits([row])
                return n
            }
            let failed = told.indices.filter { index in
                if case .failure = told[index] { return true }
                return false
            }
            #expect(failed == [3, 12] || failed == [7, 12])
            #expect(
                told[12] == .failure(.constraint(name: "accounts_covered", kind: .check))
            )
            #expect(try await database.one(CountAccounts())?.count == 18)
        }
    }

    @Test func `callers of one turn share a commit, each with all of its statements`() async throws
    {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let commits = GroupCommit(database)
            let told = await callers(30) { n throws(DatabaseError) in
                try await commits([
                    InsertAccount(id: n, balance: 1), InsertAccount(id: 100 + n, balance: 1),
                    AddToAccount(id: n, amount: n),
                ])
                return n
            }
            #expect(told == (0..<30).map { .success($0) })
            #expect(try await database.one(CountAccounts())?.count == 60)
            #expect(try await database.one(CountAccounts())?.total == 60 + 435)
            let writers = try #require(try await database.one(CountWriters()))
            #expect(writers < 10, "30 callers in \(writers) transactions")
        }
    }

    @Test func `a caller whose time is up before its turn is told that nothing was done`()
        async throws
    {
        try await withDatabase { database async throws in
            let (batches, gate) = (Batches(), OneShot<Void>())
            let doubler = Doubler(database) { items throws(DatabaseError) in
                batches.note(items)
                _ = await gate.wait(until: .after(.seconds(10)))
                return items
            }
            async let first = callers(1) { _ throws(DatabaseError) in
                try await doubler.submit(1, key: nil)
            }
            while batches.all.isEmpty { try await EventLoop.sleep(for: .milliseconds(1)) }
            let late = await Deadline.$current.withValue(.after(.milliseconds(30))) {
                await callers(1) { _ throws(DatabaseError) in try await doubler.submit(2, key: nil)
                }
            }
            #expect(late == [.failure(.overloaded)])
            gate.resolve(())
            #expect(await first == [.success(1)])
            #expect(batches.all == [[1]])
        }
    }

    @Test func `a caller whose time is up while its batch is on its way does not know`()
        async throws
    {
        try await withDatabase { database async throws in
            let gate = OneShot<Void>()
            let doubler = Doubler(database) { items throws(DatabaseError) in
                _ = await gate.wait(until: .after(.seconds(10)))
                return items
            }
            let told = await Deadline.$current.withValue(.after(.milliseconds(30))) {
                await callers(2) { n throws(DatabaseError) in try await doubler.submit(n, key: nil)
                }
            }
            gate.resolve(())
            #expect(told == [.failure(.timedOut), .failure(.timedOut)])
        }
    }

    @Test(arguments: [DatabaseError.outcomeUnknown, .timedOut, .unavailable("gone")])
    func `what is not one item's doing is told to all and not tried again`(error: DatabaseError)
        async throws
    {
        try await withDatabase { database async throws in
            let batches = Batches()
            let doubler = Doubler(database) { items throws(DatabaseError) in
                batches.note(items)
                throw error
            }
            let told = await callers(5) { n throws(DatabaseError) in
                try await doubler.submit(n, key: nil)
            }
            #expect(told == (0..<5).map { _ in .failure(error) })
            #expect(batches.all.joined().sorted() == Array(0..<5))
        }
    }

    @Test func `statements are merged place by place, and only with their like`() {
        let merged = merge([
            [InsertAccount(id: 1, balance: 1), AddToAccount(id: 1, amount: 1)],
            [InsertAccount(id: 2, balance: 1)],
            [InsertAccount(id: 3, balance: 1), AddToAccount(id: 3, amount: 1)],
        ])
        let names = merged.map { "\(type(of: $0))" }
        #expect(names == ["Merged", "AddToAccount", "AddToAccount", "InsertAccount"])
        #expect((merged.first as? InsertAccount.Merged)?.rows.map(\.id) == [1, 3])
    }
}
