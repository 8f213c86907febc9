import FoundationEssentials
import Postgres
import PostgresHarness
import Reactor
import Testing

@Suite struct StatementTests {
    @Test func `every type comes back as it was sent`() async throws {
        try await withDatabase { database async throws in
            func echo<V: PostgresValue & Equatable>(_ value: V) async throws {
                #expect(try await database.one(Echo(value: value)) == value)
            }
            try await echo(true)
            try await echo(Int.min)
            try await echo(Int64.max)
            try await echo(Int32(-7))
            try await echo(2.5)
            try await echo("")
            try await echo("Grüße 🛒")
            try await echo([UInt8]())
            try await echo([UInt8](0...255))
            try await echo(UUID())
            try await echo(Date(timeIntervalSince1970: 1_767_225_600.123456))
            try await echo(Date(timeIntervalSince1970: -5e9))
            try await echo([1, -2, .max])
            try await echo([String]())
            try await echo(["a", "", "{,}"])
            try await echo([UUID(), UUID()])
            try await echo(Int?.none)
            try await echo(Int?.some(3))
            try await echo(["x"] as [String]?)
            let json = try JSONText(encoding: ["a": [1, 2]])
            #expect(
                try await database.one(Echo(value: json))?.decode(as: [String: [Int]].self) == [
                    "a": [1, 2]
                ]
            )
        }
    }

    @Test func `a sum of bigints is read as an integer`() async throws {
        struct Sum: Statement {
            static let sql = "SELECT sum(n) FROM unnest($1) AS n"
            let numbers: [Int]
            func bind(_ parameters: inout Parameters) { parameters.append(numbers) }
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
        }
        try await withDatabase { database async throws in
            for numbers in [
                [0], [1, 9999], [10_000], [123_456_789, 1], [-20_000, -1], [.max], [.min],
            ] {
                #expect(try await database.one(Sum(numbers: numbers)) == numbers.reduce(0, +))
            }
            await #expect(throws: DatabaseError.self) {
                try await database.one(Sum(numbers: [.max, .max]))
            }
        }
    }

    @Test func `a column of another type is a decoding error that names it`() async throws {
        struct WrongType: Statement {
            static let sql = "SELECT 1::bigint AS total"
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
        }
        struct UnexpectedNull: Statement {
            static let sql = "SELECT NULL::bigint AS total"
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
        }
        struct MissingColumn: Statement {
            static let sql = "SELECT 1"
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[1] }
        }
        try await withDatabase { database async throws in
            func message(_ body: () async throws -> Void) async -> String {
                do { try await body() } catch DatabaseError.decoding(let message) {
                    return message
                } catch {}
                return "no error"
            }
            #expect(await message { _ = try await database.one(WrongType()) }.contains("total"))
            #expect(await message { _ = try await database.one(UnexpectedNull()) }.contains("NULL"))
            #expect(
                await message { _ = try await database.one(MissingColumn()) }.contains("column 1")
            )
        }
    }

    @Test func `each constraint is named and classified, and run counts rows`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            #expect(try await database.run(InsertAccount(id: 1, balance: 10)) == 1)
            await #expect(throws: DatabaseError.constraint(name: "accounts_id", kind: .unique)) {
                try await database.run(InsertAccount(id: 1, balance: 10))
            }
            await #expect(throws: DatabaseError.constraint(name: "accounts_covered", kind: .check))
            {
                try await database.run(AddToAccount(id: 1, amount: -11))
            }
            struct InsertNothing: Statement {
                static let sql = "INSERT INTO accounts (id) VALUES (2)"
            }
            await #expect(
                throws: DatabaseError.constraint(name: "accounts.balance_cents", kind: .notNull)
            ) { try await database.run(InsertNothing()) }
            // Deferred: the error comes with the commit, after the statement's own success.
            await #expect(
                throws: DatabaseError.constraint(name: "transfers_account", kind: .foreignKey)
            ) { try await database.run(InsertTransfer(account: 99)) }
            #expect(try await database.one(FindBalance(id: 1)) == 10)
            #expect(try await database.one(FindBalance(id: 2)) == nil)
        }
    }

    @Test func `ten megabytes arrive whole, and the next answer behind them`() async throws {
        struct Large: Statement {
            static let sql = "SELECT repeat('x', 1000000) FROM generate_series(1, 10)"
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
        }
        try await withDatabase { database async throws in
            for _ in 0..<3 {
                async let large = database.all(Large())
                async let small = database.one(Echo(value: 1))
                let (texts, one) = try await (large, small)
                #expect(texts.map(\.utf8.count) == Array(repeating: 1_000_000, count: 10))
                #expect(one == 1)
            }
        }
    }

    @Test func `ten megabytes are sent whole`() async throws {
        struct Length: Statement {
            static let sql = "SELECT length($1)"
            let bytes: [UInt8]
            func bind(_ parameters: inout Parameters) { parameters.append(bytes) }
            static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
        }
        try await withDatabase { database async throws in
            let bytes = [UInt8](repeating: 7, count: 10_000_000)
            async let first = database.one(Length(bytes: bytes))
            async let second = database.one(Length(bytes: bytes))
            async let third = database.one(Echo(value: 5))
            let answers = try await [first, second, third]
            #expect(answers == [bytes.count, bytes.count, 5])
        }
    }

    @Test func `a unix socket serves as well as an address`() async throws {
        try await withDatabase { _ in }
        let server = try await PostgresServer.shared()
        let url = server.socketURL(try await server.freshDatabase())
        let group = try EventLoopGroup(count: 1)
        let database = try Database(url: url, loops: group.loops)
        #expect(try await database.one(Echo(value: 1)) == 1)
        database.close()
        group.shutdown()
    }
}
