import Postgres
import PostgresHarness
import Reactor
import Testing

@Suite struct PipelineTests {
    @Test func `a thousand concurrent callers each get their own answer`() async throws {
        try await withDatabase(loops: 2) { database async throws in
            try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
                for number in 0..<1000 {
                    group.addTask { (number, try await database.one(Echo(value: number))) }
                }
                for try await (sent, received) in group { #expect(sent == received) }
            }
        }
    }

    @Test func `errors of some callers leave their neighbours alone`() async throws {
        try await withDatabase(maxConnectionsPerLoop: 2) { database async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask { () async throws in
                        switch number % 3 {
                        case 0:
                            await #expect(throws: DatabaseError.self) {
                                try await database.run(DivideByZero())
                            }
                        case 1:
                            let error = await #expect(throws: DatabaseError.self) {
                                try await database.run(Malformed())
                            }
                            // Also for those who were sent before the first refusal came back.
                            guard case .server("42601", _)? = error else {
                                Issue.record("\(String(describing: error))")
                                return
                            }
                        default:
                            #expect(try await database.one(Echo(value: number)) == number)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a pipeline answers each statement`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let (_, balance, text) = try await database.pipeline(
                InsertAccount(id: 1, balance: 5),
                AddToAccount(id: 1, amount: 2),
                Echo(value: "x")
            )
            #expect(balance == [7])
            #expect(text == ["x"])
        }
    }

    @Test func `a pipeline is all or nothing`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            await #expect(throws: DatabaseError.constraint(name: "accounts_id", kind: .unique)) {
                _ = try await database.pipeline(
                    InsertAccount(id: 1, balance: 1),
                    InsertAccount(id: 2, balance: 2),
                    InsertAccount(id: 1, balance: 3),
                    InsertAccount(id: 4, balance: 4)
                )
            }
            #expect(try await database.one(CountAccounts())?.count == 0)
            // The statement was new in a pipeline that failed; it is prepared all the same.
            #expect(try await database.run(InsertAccount(id: 1, balance: 1)) == 1)
        }
    }

    @Test func `any number of statements run as one transaction`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            let statements = (1...500).map { InsertAccount(id: $0, balance: $0) }
            #expect(try await database.run(statements) == Array(repeating: 1, count: 500))
            await #expect(throws: DatabaseError.self) {
                try await database.run([InsertAccount(id: 501, balance: 1), DivideByZero()])
            }
            #expect(try await database.one(CountAccounts())?.count == 500)
            #expect(try await database.run([]) == [])
        }
    }

    @Test func `writes of many callers are neither lost nor doubled`() async throws {
        try await withDatabase(migrations: [.accounts], loops: 2) { database async throws in
            try await database.run(InsertAccount(id: 1, balance: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<400 {
                    group.addTask { _ = try await database.run(AddToAccount(id: 1, amount: 1)) }
                }
                try await group.waitForAll()
            }
            #expect(try await database.one(FindBalance(id: 1)) == 400)
        }
    }

    @Test func `a changed table is noticed and the statement prepared again`() async throws {
        struct AllColumns: Statement {
            static let sql = "SELECT * FROM accounts"
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { row.count }
        }
        struct AddColumn: Statement {
            static let sql = "ALTER TABLE accounts ADD COLUMN note text"
        }
        try await withDatabase(migrations: [.accounts]) { database async throws in
            try await database.run(InsertAccount(id: 1, balance: 0))
            #expect(try await database.one(AllColumns()) == 2)
            try await database.run(AddColumn())
            await #expect(throws: DatabaseError.self) { try await database.one(AllColumns()) }
            #expect(try await database.one(AllColumns()) == 3)
        }
    }
}
